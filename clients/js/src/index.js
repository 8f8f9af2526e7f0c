// The client: `import { connect } from 'ccomet'`. What is imported besides is loaded only then.
export { connect } from './core/client.js';
export { GapError } from './core/gap-error.js';
export { jsonp } from './core/jsonp.js';
export { sse } from './core/sse.js';
export { tabs } from './core/tabs.js';
export { websocket } from './core/websocket.js';
export { CCometError } from './wire/errors.js';
