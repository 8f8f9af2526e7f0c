// The client of a page, by import: the class that the bundle of a script tag sets as a global.
export { CComet } from './page/ccomet.js';
