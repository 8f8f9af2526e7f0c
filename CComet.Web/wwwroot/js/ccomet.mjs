// ccomet.js for modules that import by name: `import CComet from './ccomet.mjs'` or `import { CComet } from './ccomet.mjs'`.
import './ccomet.js';

export const CComet = globalThis.CComet;
export default CComet;
