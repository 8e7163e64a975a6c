import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { certificatesIn, keyFault, parsePem, readPem } from './pem.ts'

/**
 * Reads the files of a certificate and judges them before anybody is shown one: a config is refused, or an old certificate
 * kept, rather than a handshake failed. A fault never repeats what is in a file.
 */

/** A certificate with its key, as PEM, ready to be shown. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  /** Wall-clock time, ms. */
  readonly validFromMs: number
  readonly validToMs: number
}

/** Which file is at fault, and why: a sentence of state and wish. */
export interface PemFault {
  readonly file: 'cert' | 'key'
  readonly fault: string
}

export function readCertificate(certFile: string, keyFile: string): { value: Certificate } | PemFault {
  const cert = readPem(certFile)
  if ('fault' in cert) return { file: 'cert', fault: cert.fault }
  const key = readPem(keyFile)
  if ('fault' in key) return { file: 'key', fault: key.fault }

  const leaf = parsePem(() => new X509Certificate(cert.value))
  if ('fault' in leaf) {
    return {
      file: 'cert',
      fault: `${certFile} holds no certificate that can be read (${leaf.fault}); write a PEM file`,
    }
  }
  const priv = parsePem(() => createPrivateKey(key.value))
  if ('fault' in priv) return { file: 'key', fault: keyFault(keyFile, priv.fault, 'write a PEM file') }
  if (!leaf.value.checkPrivateKey(priv.value as KeyObject)) {
    return { file: 'key', fault: `${keyFile} is not the key of the certificate in ${certFile}; write the one that is` }
  }
  // What OpenSSL has against the pair beyond that: a broken chain, a key that is too weak.
  const context = parsePem(() => createSecureContext({ cert: cert.value, key: key.value }))
  if ('fault' in context) {
    return { file: 'cert', fault: `${certFile} cannot be used (${context.fault}); write a certificate that can` }
  }
  const { validFrom, validTo } = leaf.value
  return {
    value: { cert: cert.value, key: key.value, validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo) },
  }
}

/** Reads a file of authorities: every certificate in it must be one. */
export function readAuthorities(file: string): { value: string } | { fault: string } {
  const pem = readPem(file)
  if ('fault' in pem) return pem
  const blocks = certificatesIn(pem.value)
  if (blocks === null) return { fault: `${file} holds no certificate; write a PEM file of certificate authorities` }
  for (const [index, block] of blocks.entries()) {
    const read = parsePem(() => new X509Certificate(block))
    if ('fault' in read) {
      return { fault: `certificate ${index + 1} of ${file} cannot be read (${read.fault}); write a PEM file` }
    }
  }
  return pem
}
