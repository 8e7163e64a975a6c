import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

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

/** More than any chain has; a device or a log file is not read to its end. */
const PEM_BYTES_MAX = 2 ** 20

export function readCertificate(certFile: string, keyFile: string): { value: Certificate } | PemFault {
  const cert = readPem(certFile)
  if ('fault' in cert) return { file: 'cert', fault: cert.fault }
  const key = readPem(keyFile)
  if ('fault' in key) return { file: 'key', fault: key.fault }

  const leaf = parse(() => new X509Certificate(cert.value))
  if ('fault' in leaf) {
    return {
      file: 'cert',
      fault: `${certFile} holds no certificate that can be read (${leaf.fault}); write a PEM file`,
    }
  }
  const priv = parse(() => createPrivateKey(key.value))
  if ('fault' in priv) return { file: 'key', fault: keyFault(keyFile, priv.fault) }
  if (!leaf.value.checkPrivateKey(priv.value as KeyObject)) {
    return { file: 'key', fault: `${keyFile} is not the key of the certificate in ${certFile}; write the one that is` }
  }
  // What OpenSSL has against the pair beyond that: a broken chain, a key that is too weak.
  const context = parse(() => createSecureContext({ cert: cert.value, key: key.value }))
  if ('fault' in context) {
    return { file: 'cert', fault: `${certFile} cannot be used (${context.fault}); write a certificate that can` }
  }
  const { validFrom, validTo } = leaf.value
  return {
    value: { cert: cert.value, key: key.value, validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo) },
  }
}

const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g

/** Reads a file of authorities: every certificate in it must be one. */
export function readAuthorities(file: string): { value: string } | { fault: string } {
  const pem = readPem(file)
  if ('fault' in pem) return pem
  const blocks = pem.value.match(PEM_CERTIFICATE)
  if (blocks === null) return { fault: `${file} holds no certificate; write a PEM file of certificate authorities` }
  for (const [index, block] of blocks.entries()) {
    const read = parse(() => new X509Certificate(block))
    if ('fault' in read) {
      return { fault: `certificate ${index + 1} of ${file} cannot be read (${read.fault}); write a PEM file` }
    }
  }
  return pem
}

function keyFault(file: string, why: string): string {
  return /passphrase|interrupted or cancelled/i.test(why)
    ? `${file} is encrypted with a passphrase; write a key without one, in a file only this user can read`
    : `${file} holds no private key that can be read (${why}); write a PEM file`
}

function readPem(file: string): { value: string } | { fault: string } {
  let fd: number | undefined
  try {
    fd = openSync(file, 'r')
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { fault: `${file} is not a file; write the path of a PEM file` }
    if (stat.size > PEM_BYTES_MAX) return { fault: `${file} is larger than 1MiB; write the path of a PEM file` }
    return { value: readFileSync(fd, 'latin1') }
  } catch (error) {
    return { fault: `cannot read ${file}: ${REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? 'it fails'}` }
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file; write the path of one that is there',
  ENOTDIR: 'its folder is a file; write the path of one that is there',
  EISDIR: 'it is a folder; write the path of a PEM file',
  EACCES: 'this user may not read it; allow it, or write the path of another',
  EPERM: 'this user may not read it; allow it, or write the path of another',
  ELOOP: 'its links lead in a circle; write the path of a PEM file',
}

/** What OpenSSL makes of it. Its messages name what it expected, never what it read. */
function parse<Out>(make: () => Out): { value: Out } | { fault: string } {
  try {
    return { value: make() }
  } catch (error) {
    const { message } = error as Error
    return { fault: message.replace(/^error:[0-9A-F]*:/i, '').replaceAll('::', ': ') }
  }
}
