// Types of ccomet.js: `import CComet from './ccomet.mjs'`, or the global CComet of a script tag
// (`/// <reference path="ccomet.d.ts" />`, or `import './ccomet.js'`).

declare namespace CComet {
  /** A transport by name; `auto` is the first that gets through of sse, fetch and jsonp. */
  type TransportName = 'sse' | 'fetch' | 'jsonp' | 'websocket';

  type State = 'connecting' | 'open' | 'reconnecting' | 'replaced' | 'refused' | 'closed';

  /** An entry of the log. */
  interface Message {
    type: 'MSG' | 'SIGN';
    channel: string;
    /** Who published it, if he told. */
    sname?: string;
    /** What was published: a text or any JSON value. */
    msg: any;
    /** Its number in the channel. */
    seqid: number;
    /** When it was stored, in ms since 1970. */
    time: number;
  }

  /** These seqids cannot be had any more, both included. */
  interface Gap {
    type: 'GAP';
    channel: string;
    epoch: string | null;
    from: number;
    to: number;
    seqid: number;
  }

  /** The log has a new epoch. */
  interface Reset {
    type: 'RESET';
    channel: string;
    epoch: string | null;
    seqid: number;
  }

  /** What a publish resolves to. */
  interface Receipt {
    type: 'pub';
    channel: string;
    epoch: string;
    seqid: number;
    /** The id was known: nothing was stored now. */
    duplicate?: true;
  }

  interface Error extends globalThis.Error {
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number;
    /** What is wrong, in the server's words. */
    readonly detail: string;
    /** The wire's own number: the status, but for 402 (a seqid beyond the end, HTTP 409). `token` when the token function failed. */
    readonly code: string;
    readonly title?: string;
    /** The parameter at fault, if told. */
    readonly parameter?: string;
    /** When the server asks to be asked again, in ms from then, if told. */
    readonly retryAfter?: number;
    /** In how many ms the client itself tries again; undefined when it does not. */
    readonly retryIn?: number;
  }

  interface Events {
    message: (message: Message) => void;
    gap: (gap: Gap) => void;
    reset: (reset: Reset) => void;
    /** The SIGN that is one's own; it comes once more, as a message, in its order. */
    signed: (message: Message) => void;
    state: (state: State, before: State) => void;
    error: (error: Error) => void;
  }

  interface CommonOptions {
    /** `epoch:seqid`, as `cursor` gave it, to go on from there. */
    cursor?: string | null;
    /** Sign in first: everybody is told, and the history comes as messages. */
    sign?: boolean;
    /**
     * true also follows by sname: the server keeps one follower of each channel and name, and the newest page takes the place
     * of the older one, whose state becomes `replaced`. Default false: pages of one name all follow, and the name goes along
     * with what they publish. The addresses of 2014 always follow by their name.
     */
    exclusive?: boolean;
    /** Is called with each message. */
    callback?: (message: Message) => void;
    /** The least pause after a failure, in ms. Default 500. */
    retryMin?: number;
    /** The most that failures in a row add to it, in ms. Default 30000. */
    retryMax?: number;
  }

  /** Gets a JWT; null is none. It is called at the first connect, when 75 % of the life of the last one are over, and after a 401. */
  type TokenFunction = () => string | null | undefined | Promise<string | null | undefined>;

  interface ModernOptions extends CommonOptions {
    /** Where the server is, relative to the page. Default '/'. */
    url?: string;
    /** 1 to 200 Unicode characters, no controls. */
    channel: string;
    /** The name to publish by, likewise; with `exclusive`, to follow by too. */
    sname?: string | null;
    /** Default 'auto'. */
    transport?: 'auto' | TransportName;
    /**
     * Who one is, for a server that lets in only callers with a token: a JWT, or a function that gets one. It goes in a header or
     * in a frame of a WebSocket, never in an address; JSONP goes by tickets that are asked for by fetch. Instances of the same
     * function share it, and their connection.
     */
    token?: string | TokenFunction | null;
    /** Whether fetch sends cookies, fetch's own option: `include` also to another origin. Default 'same-origin'. */
    credentials?: 'omit' | 'same-origin' | 'include';
    /**
     * true shares one connection with the other tabs of this browser that ask the same server as the same user; a text shares it only
     * with those that give the same; false does not share it. Default true. With `exclusive`, and where there are no Web Locks (the
     * page is not secure) or no BroadcastChannel, each tab has its own.
     */
    tabs?: boolean | string;
  }

  /** The options of 2014. */
  interface SeedOptions extends CommonOptions {
    sign_url?: string;
    /** Ends in `msg=`; the encoded message is appended. */
    pub_url?: string;
    /** Ends in `seqid=`; the seqid is appended. */
    sub_url: string;
    transport?: 'fetch' | 'jsonp';
    token?: never;
    /** Whether fetch sends cookies, fetch's own option. */
    credentials?: 'omit' | 'same-origin' | 'include';
  }

  type Options = ModernOptions | SeedOptions;

  interface PublishOptions {
    /** 1 to 200 characters; the same id within 5 minutes stores nothing. A random one by itself. */
    id?: string;
    /** When to give up, in ms from now. Default 30000. */
    timeout?: number;
  }
}

/** One channel, followed from now on, or from a cursor, or with its history. */
declare class CComet {
  /** The version of the wire this speaks. */
  static readonly protocol: 1;
  /** The transports by name. */
  static readonly transports: Readonly<Record<CComet.TransportName, object>>;
  /** The class of errors, for instanceof. */
  static readonly Error: new (detail: string) => CComet.Error;

  /**
   * Begins to follow. The same url, channel and sname give the instance that lives already.
   * @throws {TypeError} an option that cannot be, or that cannot work here: a relative url outside a page, jsonp without a document
   */
  constructor(options: CComet.Options);

  /** Where this stands: `epoch:next seqid`, good on every transport and in another page; null until it is known. */
  readonly cursor: string | null;
  /** The next seqid wanted; 0 until it is known. */
  readonly seqid: number;
  readonly state: CComet.State;
  /** While `reconnecting`: in how many ms it tries again; null while it is trying, and in other states. */
  readonly retryIn: number | null;
  /** The transport in use: what `auto` has come to, or what was told. */
  readonly transport: CComet.TransportName;

  /** Listens; what is returned stops listening. */
  on<E extends keyof CComet.Events>(event: E, listener: CComet.Events[E]): () => void;
  off<E extends keyof CComet.Events>(event: E, listener: CComet.Events[E]): void;

  /** Publishes; rejects with a CComet.Error, or a TypeError for what JSONP cannot carry. */
  publish(msg: unknown, options?: CComet.PublishOptions): Promise<CComet.Receipt>;
  /** 2014's publish: who does not look at the promise hears of a failure by `error`. */
  pub(content: string): Promise<CComet.Receipt>;

  /** Signs in (again). */
  sign(): void;
  /** 2014's name of `resume`. */
  sub(): void;
  /** Goes on after `replaced` or `refused`, with a new token if there is a token function; while `reconnecting`, tries again now instead of later. */
  resume(): void;
  /** Ends for good. What was given to `publish` is still sent. */
  close(): void;
}
