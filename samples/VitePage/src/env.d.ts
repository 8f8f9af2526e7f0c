interface ImportMetaEnv {
  readonly VITE_PUSH_URL: string;
}
