import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CertificateOptions, type Files, makeCertificate } from '../../native-bench/load/certificate.ts'

/** Certificates made for one test by the openssl of this machine, in a folder that goes with it. */
export interface CertificateFolder {
  path(name: string): string
  /**
   * Makes `NAME.pem` and `NAME.key` for a host, or for names of any kind (`DNS:a.example,IP:127.0.0.1`), signed by itself or by the
   * authority of another name here.
   */
  make(name: string, names: string, options?: Omit<CertificateOptions, 'by'> & { by?: string }): Files
  /** Where those are. */
  files(name: string): Files
  remove(): void
}

export function certificateFolder(): CertificateFolder {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-tls-'))
  const path = (name: string): string => join(folder, name)
  const files = (name: string): Files => ({ cert: path(`${name}.pem`), key: path(`${name}.key`) })
  return {
    path,
    files,
    make(name, names, { by, ...options } = {}) {
      makeCertificate(files(name), names, by === undefined ? options : { ...options, by: files(by) })
      return files(name)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** An authority in a folder of its own, and what it signs: the files for a config, their content for a server. */
export interface Authority {
  /** The file of its own certificate. */
  ca: string
  path(name: string): string
  sign(name: string, names: string): Signed
  remove(): void
}

export interface Signed {
  certFile: string
  keyFile: string
  cert: Buffer
  key: Buffer
}

export function makeAuthority(): Authority {
  const { make, path, remove } = certificateFolder()
  return {
    ca: make('ca', 'authority.test', { isAuthority: true }).cert,
    path,
    sign(name, names) {
      const { cert, key } = make(name, names, { by: 'ca' })
      return { certFile: cert, keyFile: key, cert: readFileSync(cert), key: readFileSync(key) }
    },
    remove,
  }
}
