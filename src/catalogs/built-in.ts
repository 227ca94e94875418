// The catalogs that come with the gateway, imported as data so that a bundle carries them.
import makapix from '../../protocol/catalogs/makapix.json' with { type: 'json' };
import multiscreenSrt from '../../protocol/catalogs/multiscreen-srt.json' with { type: 'json' };
import openStream from '../../protocol/catalogs/open-stream.json' with { type: 'json' };
import srtReject from '../../protocol/catalogs/srt-reject.json' with { type: 'json' };
import tencentIlvb from '../../protocol/catalogs/tencent-ilvb.json' with { type: 'json' };
import type { Catalog } from './catalog.ts';

// A test holds every one of these against the schema and the checks; at run time they are taken as they are.
const DATA: readonly unknown[] = [openStream, multiscreenSrt, srtReject, makapix, tencentIlvb];

/** The built-in catalogs by id, in the order in which they are shown. */
export const BUILT_IN: ReadonlyMap<string, Catalog> = new Map(
  (DATA as readonly Catalog[]).map((catalog) => [catalog.id, catalog]),
);
