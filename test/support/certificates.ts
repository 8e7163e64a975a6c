import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Certificates made for one test by the openssl of this machine, in a folder that goes with it. */
export interface CertificateFolder {
  path(name: string): string
  /** Makes `NAME.pem` and `NAME.key` for a host, signed by itself or by the authority of another name here. */
  make(name: string, host: string, options?: { days?: number; by?: string; isAuthority?: boolean }): Files
  remove(): void
}

export interface Files {
  cert: string
  key: string
}

export function certificateFolder(): CertificateFolder {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-tls-'))
  const path = (name: string): string => join(folder, name)
  return {
    path,
    make(name, host, { days = 90, by, isAuthority = false } = {}) {
      const files = { cert: path(`${name}.pem`), key: path(`${name}.key`) }
      const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
      args.push('-keyout', files.key, '-out', files.cert, '-days', String(days), '-subj', `/CN=${host}`)
      args.push('-addext', `subjectAltName=DNS:${host}`)
      if (!isAuthority) args.push('-addext', 'basicConstraints=critical,CA:false')
      if (by !== undefined) args.push('-CA', path(`${by}.pem`), '-CAkey', path(`${by}.key`))
      execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
      return files
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
