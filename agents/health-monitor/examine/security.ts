import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { UpstreamText } from '../../../engine/writer.ts'
import { wallMs } from '../../kit/clock.ts'
import { reasonOf } from '../../skills/fault-reason.ts'
import { isDistrust } from '../attempt.ts'
import { freshDialer } from '../dialers.ts'
import { type Finding, failed, passed, skipped } from './looks.ts'

const DAY_MS = 86_400_000
/** An endpoint may send as long a chain as it likes. */
const CHAIN_MAX = 16

/** What a handshake has shown. */
export interface Handshake {
  /** Null: it is spoken to in plain text. */
  readonly isTrusted: boolean | null
  /** For people: why not, or by which protocol. */
  readonly word: string
  /** Until its certificate ends; negative: it has. Undefined: not known, for it was turned down. */
  readonly daysLeft: number | undefined
  /** Its own certificate first, and those that vouch for it. */
  readonly chain: readonly { readonly name: string; readonly daysLeft: number }[]
}

/** Days before a certificate ends on which it is late, which is no failure yet, and too late. */
export interface CertificateDays {
  readonly warn: number
  readonly critical: number
}

/** Makes a whole handshake, with trust as requests have it. Rejects where no connection comes about. */
export function shakeHands(
  url: string,
  upstream: UpstreamText | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Handshake> {
  if (!url.startsWith('https:'))
    return Promise.resolve({ isTrusted: null, word: 'plain text', daysLeft: undefined, chain: [] })
  return new Promise((resolve, reject) => {
    const socket = freshDialer({ url, upstream, timeoutMs }).dial((error, dialed) => {
      signal.removeEventListener('abort', stop)
      if (error !== null) {
        if (isDistrust(error)) resolve({ isTrusted: false, word: reasonOf(error), daysLeft: undefined, chain: [] })
        else reject(error)
        return
      }
      const tls = dialed as TLSSocket
      const chain = chainOf(tls.getPeerCertificate(true), wallMs())
      resolve({ isTrusted: true, word: tls.getProtocol() ?? 'TLS', daysLeft: chain[0]?.daysLeft, chain })
      tls.destroy()
    })
    const stop = (): void => void socket?.destroy()
    signal.addEventListener('abort', stop)
  })
}

/** From its own up to the one that vouches for itself. */
function chainOf(first: DetailedPeerCertificate, nowMs: number): Handshake['chain'] {
  const chain: { name: string; daysLeft: number }[] = []
  for (let at: DetailedPeerCertificate | undefined = first; at?.valid_to !== undefined && chain.length < CHAIN_MAX; ) {
    const name = String(at.subject?.CN ?? at.subjectaltname ?? at.fingerprint256).slice(0, 128)
    chain.push({ name, daysLeft: (Date.parse(at.valid_to) - nowMs) / DAY_MS })
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate
  }
  return chain.filter(({ daysLeft }) => Number.isFinite(daysLeft))
}

/** Whether its word can be trusted, and for how long. `refusals`: checks in a row that were answered with 401 or 403, and how many are too many. */
export async function lookAtSecurity(
  handshake: Promise<Handshake>,
  days: CertificateDays,
  refusals: { readonly seen: number; readonly max: number },
): Promise<Finding> {
  const { isTrusted, word, daysLeft } = await handshake
  if (refusals.seen >= refusals.max) return failed(`its last ${refusals.seen} checks were turned away`)
  if (isTrusted === null) return skipped(word)
  if (!isTrusted) return failed(word, {}, { isCritical: true })
  if (daysLeft === undefined) return passed(word)
  const figures = { 'certificate-days': daysLeft }
  const said = `its certificate ends in ${daysLeft.toFixed(1)} days`
  if (daysLeft < days.critical) return failed(said, figures, { isCritical: true })
  return daysLeft < days.warn ? passed(said, figures, 0.5) : passed(word, figures)
}

/** Whether all certificates of the chain last, those too that vouch for its own. */
export async function lookAtChain(handshake: Promise<Handshake>, { warn }: CertificateDays): Promise<Finding> {
  const { isTrusted, word, chain } = await handshake
  if (isTrusted === null) return skipped(word)
  if (!isTrusted) return failed(word)
  const first = chain.reduce((least, { daysLeft }) => Math.min(least, daysLeft), Number.MAX_SAFE_INTEGER)
  const figures = { length: chain.length, ...(chain.length > 0 && { 'certificate-days': first }) }
  const late = chain.filter(({ daysLeft }) => daysLeft < warn)
  if (late.length === 0) return passed(chain.map(({ name }) => name).join(' ← '), figures)
  return failed(late.map(({ name, daysLeft }) => `${name} ends in ${daysLeft.toFixed(1)} days`).join(', '), figures)
}
