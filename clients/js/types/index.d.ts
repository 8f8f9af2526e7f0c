/** An entry of a channel's log. */
export interface Message<T = any> {
  type: 'MSG' | 'SIGN' | 'JOIN' | 'LEAVE';
  channel: string;
  /** Who published it, if he told. */
  sname?: string;
  /** What was published: a text or any JSON value. */
  msg: T;
  /** Its number in the channel. */
  seqid: number;
  /** When it was stored, in ms since 1970. */
  time: number;
  /** Give it as `from` to go on behind this message. */
  cursor: string;
  /** Of a channel of presence: who came or went. */
  user?: string;
}

/** Messages that are lost. */
export interface Gap {
  channel: string;
  epoch: string | null;
  /** The first one lost. */
  from: number;
  /** The last one lost; undefined when the log began anew. */
  to?: number;
  /** True when the log began anew, under another epoch. */
  reset: boolean;
  /** Give it as `from` to go on behind the gap; null when the server has not told the new epoch yet. */
  cursor: string | null;
}

/** What a publish resolves to. */
export interface Receipt {
  type: 'pub';
  channel: string;
  epoch: string;
  seqid: number;
  /** The id was known: nothing was stored now. */
  duplicate?: true;
}

export type State = 'connecting' | 'open' | 'reconnecting' | 'replaced' | 'refused' | 'closed';

/** Why something was refused or failed. */
export declare class CCometError extends Error {
  constructor(detail: string, how?: { status?: number; code?: string; title?: string; parameter?: string; retryAfter?: number; cause?: unknown });
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The wire's own number: the status, but for 402 (a seqid beyond the end, HTTP 409). `token` when the token function failed, `gap` of a GapError. */
  readonly code: string;
  /** What is wrong, in the server's words. */
  readonly detail: string;
  readonly title?: string;
  /** The parameter at fault, if told. */
  readonly parameter?: string;
  /** When the server asks to be asked again, in ms from then, if told. */
  readonly retryAfter?: number;
  /** In how many ms the client itself tries again; undefined when it does not. */
  readonly retryIn?: number;
}

/** Messages are lost. It ends an iteration, unless `onGap` is given. */
export declare class GapError extends CCometError implements Gap {
  constructor(gap: Gap);
  readonly channel: string;
  readonly epoch: string | null;
  readonly from: number;
  readonly to?: number;
  readonly reset: boolean;
  readonly cursor: string | null;
}

/** How a client receives. */
export interface Transport {
  readonly ' transport': never;
}

/** How the tabs of a browser share. */
export interface Tabs {
  readonly ' tabs': never;
}

/**
 * One connection for all tabs, by Web Locks: one of them has it, and tells the others what comes. In Node, where there are no Web
 * Locks (the page is not secure), and by `jsonp`, each client has its own connection.
 */
export declare const tabs: Tabs;
/** Server-sent events, by fetch. */
export declare const sse: Transport;
/** A WebSocket; `connect` throws where there is none. */
export declare const websocket: Transport;
/** Script elements, for pages that fetch does not let through; `connect` throws where there is no document, and with a token. */
export declare const jsonp: Transport;

export interface ConnectOptions {
  /**
   * Who one is: a JWT, or a function that gets one (null is none). The function is called at the first connect, when 75 % of the life
   * of the last token are over, after a 401, and at each connect when the life of a token cannot be known. When it throws, it is
   * called again later.
   */
  token?: string | (() => string | null | undefined | Promise<string | null | undefined>) | null;
  /** Sent with each request by fetch. */
  headers?: HeadersInit;
  /** Whether fetch sends cookies; fetch's own option. */
  credentials?: 'omit' | 'same-origin' | 'include';
  /** Closes the client when it is aborted. */
  signal?: AbortSignal;
  /** `auto`, the default, is newline-delimited JSON over a stream, and long polls where something on the way keeps streams back. */
  transport?: 'auto' | 'stream' | 'poll' | Transport;
  /** The import `tabs`: the tabs of a browser that ask the same server as the same user share one connection. Without it each has its own. */
  tabs?: Tabs;
  /** Times in ms. */
  limits?: Partial<Limits>;
}

/** Times in ms that a client goes by. */
export interface Limits {
  /** The most of the first pause after a failure; it doubles with each failure in a row. Default 500. */
  retryMin: number;
  /** The most of any pause that the server has not asked for. Default 30000. */
  retryMax: number;
  /** A stream silent for longer is dead. Default 40000. */
  silence: number;
  /** A stream of which nothing came by then is kept back by something on the way. Default 10000. */
  firstByte: number;
  /** For how long polls take the place of such a stream. Default 300000. */
  pollFor: number;
  /** When a request that reads is given up. Default 60000. */
  poll: number;
  /** When any other request is given up. Default 15000. */
  ask: number;
  /** Channels that are added within this time reopen the connection only once. Default 5. */
  settle: number;
}

export interface SubscribeOptions {
  /** `start` is everything kept; `now`, the default, what comes from now on; a cursor goes on from there. */
  from?: 'start' | 'now' | (string & {});
  /** Hears of gaps, in order between the messages. Without it, a gap ends an iteration by a GapError. */
  onGap?: (gap: Gap) => void;
  /** Closes the subscription when it is aborted; an iteration then ends. */
  signal?: AbortSignal;
}

export interface PublishOptions {
  /** 1 to 200 characters; the same id within 5 minutes stores nothing. A random one by itself. */
  id?: string;
  /** The name to publish by. */
  sname?: string;
  /** When to give up, in ms from now. Default 30000. */
  timeout?: number;
  signal?: AbortSignal;
}

export interface Presence {
  channel: string;
  epoch: string;
  seqid: number;
  count: number;
  users?: { user: string; since: number; info?: any }[];
}

export interface SubscriptionEvents<T = any> {
  message: (message: Message<T>) => void;
  gap: (gap: Gap) => void;
  state: (state: State, before: State) => void;
  error: (error: CCometError) => void;
}

/**
 * One channel, followed: by `for await`, or by listeners. Until there is one of them, what comes is kept; of more than 256 messages
 * the client stops to receive until they are read. As an EventTarget its events are CustomEvents, with what is told as `detail`.
 */
export interface Subscription<T = any> extends EventTarget {
  readonly channel: string;
  readonly state: State;
  /** Where its reader is: give it as `from` to go on behind the last message that he was given; null until it is known. */
  readonly cursor: string | null;
  /** Why it ended, if it did for a reason that is not the caller's. */
  readonly error: CCometError | null;
  /** Resolves when it is open for the first time; rejects when it ends before. */
  readonly opened: Promise<Subscription<T>>;
  /** Listens; what is returned stops listening. */
  on<E extends keyof SubscriptionEvents>(type: E, listener: SubscriptionEvents<T>[E]): () => void;
  once<E extends keyof SubscriptionEvents>(type: E, listener: SubscriptionEvents<T>[E]): () => void;
  off<E extends keyof SubscriptionEvents>(type: E, listener: SubscriptionEvents<T>[E]): void;
  /** Ends. Leaving a `for await` does so as well. */
  close(): void;
  [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, undefined>;
}

/** One server, for as long as an application lives. */
export interface Client {
  readonly closed: boolean;
  /** Follows a channel; the client's subscriptions share a connection for 64 channels. */
  subscribe<T = any>(channel: string, options?: SubscribeOptions): Subscription<T>;
  /** Publishes, again and again until it is stored or the time is over; it is stored once. */
  publish(channel: string, msg: unknown, options?: PublishOptions): Promise<Receipt>;
  /** Who is there. */
  presence(channel: string): Promise<Presence>;
  /** Ends everything. */
  close(): void;
}

/**
 * Gives a client of the server at `url`, which in a page may be relative to it.
 * @throws {TypeError} an option that cannot be, or a transport that cannot work here
 */
export declare function connect(url: string | URL, options?: ConnectOptions): Client;
