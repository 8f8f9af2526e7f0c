// Types of ccomet.mjs: the class of ccomet.d.ts, by name or as default.
/// <reference path="./ccomet.d.ts" />

declare const Class: typeof CComet;
type Class = CComet;

export { Class as CComet, Class as default };
