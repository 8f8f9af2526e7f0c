import { defineConfig } from 'vite';

// The push server lets in pages of this origin alone, so the port must not move to the next one that is free.
const listen = { port: 5173, strictPort: true };

export default defineConfig({ server: listen, preview: listen });
