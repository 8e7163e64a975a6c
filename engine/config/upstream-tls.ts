import { createPrivateKey, X509Certificate } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
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

/** More than any bundle has; a device or a log file is not read to its end. */
const PEM_BYTES_MAX = 2 ** 20

export function readUpstreamPems({ ca, cert, key }: Files): { value: UpstreamPems } | UpstreamTlsFault {
  const pems: { ca?: string; cert?: string; key?: string } = {}
  for (const [file, path] of Object.entries({ ca, cert, key }) as [keyof Files, string | undefined][]) {
    if (path === undefined) continue
    const pem = readPem(path)
    if (pem.fault !== undefined) return { file, fault: pem.fault }
    const fault = file === 'key' ? keyFault(path, pem.text) : certificatesFault(path, pem.text)
    if (fault !== undefined) return { file, fault }
    pems[file] = pem.text
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

const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g

function certificatesFault(path: string, pem: string): string | undefined {
  const blocks = pem.match(PEM_CERTIFICATE)
  if (blocks === null) return `${path} holds no certificate; write the path of a PEM file`
  for (const [index, block] of blocks.entries()) {
    const fault = faultOf(() => new X509Certificate(block))
    if (fault !== undefined) {
      return `certificate ${index + 1} of ${path} cannot be read (${fault}); write the path of a PEM file`
    }
  }
  return undefined
}

function keyFault(path: string, pem: string): string | undefined {
  const fault = faultOf(() => createPrivateKey(pem))
  if (fault === undefined) return undefined
  return /passphrase|interrupted or cancelled/i.test(fault)
    ? `${path} is encrypted with a passphrase; write a key without one, in a file only this user can read`
    : `${path} holds no private key that can be read (${fault}); write the path of a PEM file`
}

function readPem(path: string): { text: string; fault?: undefined } | { fault: string } {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { fault: `${path} is not a file; write the path of a PEM file` }
    if (stat.size > PEM_BYTES_MAX) return { fault: `${path} is larger than 1MiB; write the path of a PEM file` }
    return { text: readFileSync(fd, 'latin1') }
  } catch (error) {
    return { fault: `cannot read ${path}: ${REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? 'it fails'}` }
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file; write the path of one that is there',
  ENOTDIR: 'its folder is a file; write the path of one that is there',
  EACCES: 'this user may not read it; allow it, or write the path of another',
  EPERM: 'this user may not read it; allow it, or write the path of another',
}

/** What OpenSSL has against it. Its messages name what it expected, never what it read. */
function faultOf(make: () => unknown): string | undefined {
  try {
    make()
    return undefined
  } catch (error) {
    return (error as Error).message.replace(/^error:[0-9A-F]*:/i, '').replaceAll('::', ': ')
  }
}
