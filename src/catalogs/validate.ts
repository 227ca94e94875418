// A catalog file against its schema and against what a schema cannot say; every fault at once, named by JSON pointer.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import schema from '../../schemas/catalog.schema.json' with { type: 'json' };
import type { Catalog } from './catalog.ts';
import { checkCatalog } from './check.ts';

type Validated = { readonly catalog: Catalog; readonly faults: readonly [] } | { readonly faults: readonly string[] };

let compiled: ValidateFunction | undefined;

/** Compiled on first use: a gateway without catalogs of its own pays nothing. */
function validator(): ValidateFunction {
  compiled ??= new Ajv({ allErrors: true, strict: true }).compile(schema);
  return compiled;
}

/** Faults read `<JSON pointer>: <what is wrong>`; the pointer of the document as a whole is written `/`. */
export function validateCatalog(value: unknown): Validated {
  const valid = validator();
  if (!valid(value)) return { faults: [...new Set((valid.errors ?? []).filter(isPlain).map(sentence))] };
  const catalog = value as Catalog;
  const faults = checkCatalog(catalog);
  return faults.length > 0 ? { faults } : { catalog, faults: [] };
}

/** `if` repeats in other words what the branch below it says already. */
function isPlain(error: ErrorObject): boolean {
  return error.keyword !== 'if';
}

function sentence(error: ErrorObject): string {
  const { instancePath, keyword, params } = error;
  const extra = keyword === 'additionalProperties' ? String(params['additionalProperty']) : undefined;
  const missing = keyword === 'required' ? String(params['missingProperty']) : undefined;
  if (extra !== undefined) return `${pointer(instancePath, extra)}: this field is not part of a catalog`;
  if (missing !== undefined) return `${pointer(instancePath, missing)}: this field is missing`;
  if (keyword === 'enum') return `${pointer(instancePath)}: must be one of ${JSON.stringify(params['allowedValues'])}`;
  if (keyword === 'const') return `${pointer(instancePath)}: must be ${JSON.stringify(params['allowedValue'])}`;
  return `${pointer(instancePath)}: ${error.message ?? keyword}`;
}

function pointer(path: string, name?: string): string {
  if (name === undefined) return path === '' ? '/' : path;
  return `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
