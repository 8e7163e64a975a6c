import { balance } from './balance.ts'
import { byTable, keyOfTry, type Place } from './by-table.ts'
import type { Policy } from './policy.ts'
import { MAGLEV_SIZE_MAX } from './tables/maglev.ts'
import { isPrime } from './tables/prime.ts'
import { tablePosition } from './tables/table-key.ts'
import { MAGLEV_TABLE } from './tables/table-spec.ts'

/**
 * Maglev hashing: each key has an endpoint of its own, looked up in a table.
 *
 *   row = table[hash mod size]               try k where that is barred or full:  table[another hash of the key mod size]
 *
 * Shares of entries follow the operator's weights, to one entry. When one of N endpoints leaves, its keys move, and less than
 * one in a hundred of the others.
 *
 * Source    Eisenbud et al., NSDI 2016; table and weights as Envoy's (tables/maglev.ts, tables/table-key.ts).
 * Deviation the table is not rebuilt when health changes, so a key returns to its endpoint as soon as that is open, and
 *           no other key moves meanwhile. Envoy's second try, (hash ^ −k) mod size, is the mirror image of the first in a
 *           table whose entries are arithmetic progressions: of the keys of one of four endpoints, another got up to 47 %
 *           more or less than its share in twenty tables. Another hash of the key: 2 %.
 * Reads     one entry, bars and pull of its row; with a balance also what is in flight.
 * Cost      one division and some ten loads; of a large table one misses the cache.
 * Good for  caches and sessions among many endpoints: as cheap for ten thousand as for four.
 * Poor for  endpoints that come and go all the time: with each, half a per cent of the other keys moves (ketama: none).
 */
export const maglev: Policy = {
  name: 'maglev',
  aliases: [],
  summary: 'each key to an endpoint of its own, by a table: one look-up, however many endpoints',
  isWeighted: false,
  isKeyed: true,
  options: {
    size: {
      kind: 'whole',
      min: 2,
      max: MAGLEV_SIZE_MAX,
      default: 65_537,
      fault: value =>
        isPrime(value)
          ? undefined
          : `${value} is not a prime; write one, as 65537 or 655373, a hundred times the endpoints`,
      about: 'entries of the table, a prime number: a hundred for each endpoint keep shares within a per cent',
    },
    balance,
  },
  table: ({ size }) => ({ name: 'maglev', size: size as number }),
  create: (_, options) => ({ pickRow: byTable(MAGLEV_TABLE, place, options.balance as number) }),
}

const place: Place = (table, hash, attempt) => tablePosition(keyOfTry(hash, attempt), table.entries.length)
