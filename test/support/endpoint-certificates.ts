import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An authority and what it signs, made for one test by the openssl of this machine, in a folder that goes with it. */
export interface Authority {
  /** The file of its own certificate. */
  ca: string
  path(name: string): string
  /** A certificate for these names (`DNS:a.example`, `IP:127.0.0.1`). */
  sign(name: string, names: string, options?: { days?: number }): { certFile: string; keyFile: string } & Pair
  remove(): void
}

export interface Pair {
  cert: Buffer
  key: Buffer
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-ca-'))
  const path = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  openssl('req', '-x509', ...KEY, '-keyout', path('ca.key'), '-out', path('ca.pem'), '-days', '9', '-subj', '/CN=test')
  return {
    ca: path('ca.pem'),
    path,
    sign(name, names, { days = 9 } = {}) {
      const [certFile, keyFile] = [path(`${name}.pem`), path(`${name}.key`)]
      openssl('req', '-new', ...KEY, '-keyout', keyFile, '-out', path(`${name}.csr`), '-subj', `/CN=${name}`)
      writeFileSync(path('ext'), `subjectAltName=${names}\nbasicConstraints=critical,CA:false\n`)
      const signing = ['-req', '-in', path(`${name}.csr`), '-CA', path('ca.pem'), '-CAkey', path('ca.key')]
      openssl('x509', ...signing, '-CAcreateserial', '-out', certFile, '-days', String(days), '-extfile', path('ext'))
      return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
