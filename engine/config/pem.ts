import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'

/** Reading PEM files and asking OpenSSL about them. A fault is a sentence of state and wish, and never repeats what is in a file. */

/** More than any chain or bundle has; a device or a log file is not read to its end. */
const PEM_BYTES_MAX = 2 ** 20

const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g

/** The text of a file that may be one of PEM. */
export function readPem(file: string): { value: string } | { fault: string } {
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

/** The certificates in a text, one after the other; null where there is none. */
export function certificatesIn(pem: string): string[] | null {
  return pem.match(PEM_CERTIFICATE)
}

/** What OpenSSL makes of it. Its messages name what it expected, never what it read. */
export function parsePem<Out>(make: () => Out): { value: Out } | { fault: string } {
  try {
    return { value: make() }
  } catch (error) {
    const { message } = error as Error
    return { fault: message.replace(/^error:[0-9A-F]*:/i, '').replaceAll('::', ': ') }
  }
}

/** What is wrong with the key in a file, by what OpenSSL says; `wish`: what to write instead. */
export function keyFault(file: string, why: string, wish: string): string {
  return /passphrase|interrupted or cancelled/i.test(why)
    ? `${file} is encrypted with a passphrase; write a key without one, in a file only this user can read`
    : `${file} holds no private key that can be read (${why}); ${wish}`
}
