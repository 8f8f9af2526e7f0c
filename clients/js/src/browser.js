// The bundle of a script tag: sets the global CComet, unless a copy of the same version has done so.
//
// The bundle has no import and no export: a plain script tag cannot read a file that has one, and a module can import a file
// that has none. Loaded both ways in one page it is still one class, so that "one living instance per url, channel and
// sname" holds for the whole page.

import { CComet } from './page/ccomet.js';

if (globalThis.CComet?.protocol !== CComet.protocol) globalThis.CComet = CComet;
