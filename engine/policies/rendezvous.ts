import { balance } from './balance.ts'
import { byScore } from './by-score.ts'
import type { Policy } from './policy.ts'

/**
 * Rendezvous hashing: each key has an endpoint of its own, and keeps it as long as that is open.
 *
 *   u(e)     = murmur3's finaliser of key ^ name of e, even over (0, 1)
 *   score(e) = −pull(e) ÷ ln u(e)                the highest wins; the share of keys follows the weights
 *
 * When an endpoint leaves, its keys alone move, spread over the others by weight; when one joins, it takes its share and
 * no other key moves. A key whose endpoint is barred, or full (see balance.ts), goes to its second one, and returns.
 *
 * Source    Thaler and Ravishankar 1998, weighted after Mosharraf's logarithmic method.
 * Reads     bars, pull and name of every row; with a balance also what is in flight.
 * Cost      n rows, a logarithm each: for services of up to a few hundred.
 * Good for  caches and sessions in small services, with nothing to build or to rebuild.
 * Poor for  thousands of endpoints (maglev is cheaper), and keys of very uneven popularity.
 */
export const rendezvous: Policy = {
  name: 'rendezvous',
  aliases: ['hrw'],
  summary: 'each key to an endpoint of its own, by weight; few keys move when endpoints come and go',
  isWeighted: false,
  isKeyed: true,
  options: { balance },
  create: (_, options) => ({ pickRow: byScore(options.balance as number) }),
}
