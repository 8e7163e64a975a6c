import { createSecureContext, type SecureContext } from 'node:tls'
import { readUpstreamPems, type UpstreamPems } from '../config/upstream-tls.ts'
import type { UpstreamTlsText } from '../memory/service-text.ts'

/** Files are looked at again by the first connection after this, so that a renewed certificate needs no reload. */
const FRESH_MS = 10_000

/** What a service that says nothing has. */
export const DEFAULT_TLS: UpstreamTlsText = { verify: true, minVersion: 'TLSv1.2' }

/**
 * What a service shows to its endpoints and believes of them, read from its files. Files that turn bad change nothing as
 * long as there is a last good state.
 */
export class Credentials {
  readonly tls: UpstreamTlsText
  #pems: UpstreamPems | undefined
  #context: SecureContext | undefined
  #readAtMs = Number.NEGATIVE_INFINITY

  constructor(tls: UpstreamTlsText) {
    this.tls = tls
  }

  /** Throws with what is wrong with the files when they were never good. */
  context(): SecureContext {
    const nowMs = performance.now()
    if (nowMs - this.#readAtMs > FRESH_MS) {
      this.#readAtMs = nowMs
      this.#read()
    }
    if (this.#context === undefined) {
      this.#readAtMs = Number.NEGATIVE_INFINITY
      throw new Error('its files cannot be read')
    }
    return this.#context
  }

  #read(): void {
    const read = readUpstreamPems(this.tls)
    if ('fault' in read) {
      if (this.#context === undefined) throw new Error(read.fault)
      return
    }
    const { ca, cert, key } = read.value
    const before = this.#pems
    if (before !== undefined && before.ca === ca && before.cert === cert && before.key === key) return
    this.#pems = read.value
    this.#context = createSecureContext({
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      minVersion: this.tls.minVersion,
    })
  }
}

/** Those of this thread by what they say: services that say the same share one. */
const known = new Map<string, Credentials>()

export function credentialsOf(tls: UpstreamTlsText = DEFAULT_TLS): Credentials {
  const name = JSON.stringify(tls)
  let credentials = known.get(name)
  if (credentials === undefined) known.set(name, (credentials = new Credentials(tls)))
  return credentials
}
