import { createHash } from 'node:crypto'
import type { DiscoverConfig } from './discover-schema.ts'

/** Under this key the metadata of an endpoint that was found say where: see `discoveredBy`. Nobody else's is touched by who looks. */
export const DISCOVERED = 'discovered'

const LENGTH_MAX = 80

/**
 * What endpoints are marked with that this source has: `dns:api.internal`, `file:/etc/api.json`. A long one is told by its hash: the
 * mark has to fit into the row.
 */
export function discoveredBy({ dns, file, directory, registry }: Pick<DiscoverConfig, Named>): string {
  const [kind, what] =
    dns !== undefined
      ? ['dns', dns.toLowerCase()]
      : file !== undefined
        ? ['file', file]
        : directory !== undefined
          ? ['directory', directory]
          : ['registry', registry!]
  if (Buffer.byteLength(what) <= LENGTH_MAX) return `${kind}:${what}`
  return `${kind}:#${createHash('sha256').update(what).digest('hex').slice(0, 32)}`
}

type Named = 'dns' | 'file' | 'directory' | 'registry'

/** The marks of these sources. */
export function marksOf(discover: readonly Pick<DiscoverConfig, Named>[]): ReadonlySet<string> {
  return new Set(discover.map(discoveredBy))
}

/** Whether a text is such a mark, and not a word of somebody else's. */
export function isMark(text: string): boolean {
  return /^(dns|file|directory|registry):./.test(text)
}
