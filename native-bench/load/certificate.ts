import { execFileSync } from 'node:child_process'

/** PEM files. */
export interface Files {
  cert: string
  key: string
}

export interface CertificateOptions {
  days?: number
  /** Who signs it; by default it does so itself. */
  by?: Files
  isAuthority?: boolean
}

/** Has the openssl of this machine make a key and a certificate for a host, or for names of any kind (`DNS:a.example,IP:127.0.0.1`). */
export function makeCertificate(
  { cert, key }: Files,
  names: string,
  { days = 90, by, isAuthority = false }: CertificateOptions = {},
): void {
  const alternatives = names.includes(':') ? names : `DNS:${names}`
  const [, host] = alternatives.split(/[:,]/)
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  args.push('-keyout', key, '-out', cert, '-days', String(days), '-subj', `/CN=${host}`)
  args.push('-addext', `subjectAltName=${alternatives}`)
  if (!isAuthority) args.push('-addext', 'basicConstraints=critical,CA:false')
  if (by !== undefined) args.push('-CA', by.cert, '-CAkey', by.key)
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
