import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { certificatesIn, keyFault, parsePem, readPem } from './pem.ts'
import type { UpstreamTlsConfig } from './upstream-schema.ts'

/**
 * Reads the files that TLS to endpoints needs, and judges them before a connection is made with them. What is wrong is
 * said of the file and never repeats what is in it.
 */

/** What the files hold, as PEM; undefined where none is named. */
export interface UpstreamPems {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

/** Which file is at fault, and why: a sentence of state and wish. */
export interface UpstreamTlsFault {
  readonly file: 'ca' | 'cert' | 'key'
  readonly fault: string
}

type Files = Pick<UpstreamTlsConfig, 'ca' | 'cert' | 'key'>

export function readUpstreamPems({ ca, cert, key }: Files): { value: UpstreamPems } | UpstreamTlsFault {
  const pems: { ca?: string; cert?: string; key?: string } = {}
  for (const [file, path] of Object.entries({ ca, cert, key }) as [keyof Files, string | undefined][]) {
    if (path === undefined) continue
    const pem = readPem(path)
    if ('fault' in pem) return { file, fault: pem.fault }
    const fault = file === 'key' ? privateKeyFault(path, pem.value) : certificatesFault(path, pem.value)
    if (fault !== undefined) return { file, fault }
    pems[file] = pem.value
  }
  if (pems.cert !== undefined && pems.key !== undefined) {
    if (!new X509Certificate(pems.cert).checkPrivateKey(createPrivateKey(pems.key))) {
      return { file: 'key', fault: `${key} is not the key of the certificate in ${cert}; write the one that is` }
    }
    // What OpenSSL has against the pair beyond that, such as a key that is too short.
    const fault = faultOf(() => createSecureContext({ cert: pems.cert, key: pems.key }))
    if (fault !== undefined) {
      return { file: 'cert', fault: `${cert} cannot be used (${fault}); write a certificate that can` }
    }
  }
  return { value: { ca: pems.ca, cert: pems.cert, key: pems.key } }
}

function certificatesFault(path: string, pem: string): string | undefined {
  const blocks = certificatesIn(pem)
  if (blocks === null) return `${path} holds no certificate; write the path of a PEM file`
  for (const [index, block] of blocks.entries()) {
    const fault = faultOf(() => new X509Certificate(block))
    if (fault !== undefined) {
      return `certificate ${index + 1} of ${path} cannot be read (${fault}); write the path of a PEM file`
    }
  }
  return undefined
}

function privateKeyFault(path: string, pem: string): string | undefined {
  const fault = faultOf(() => createPrivateKey(pem))
  return fault === undefined ? undefined : keyFault(path, fault, 'write the path of a PEM file')
}

function faultOf(make: () => unknown): string | undefined {
  const made = parsePem(make)
  return 'fault' in made ? made.fault : undefined
}
