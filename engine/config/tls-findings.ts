import { readAuthorities, readCertificate } from './certificate.ts'
import type { ListenConfig } from './listen-schema.ts'
import type { Finding, Path } from './problems.ts'
import type { TlsConfig } from './tls-schema.ts'
import { show } from './wording.ts'

/** Where listener `index` stands in what was written: one alone needs no list. */
function placeOf(root: Record<string, unknown>, index: number): Path {
  return Array.isArray(root.listen) ? ['listen', index] : ['listen']
}

/** What is wrong between the TLS keys of a listener. `root` is what was written. */
export function tlsFindings(root: Record<string, unknown>, listen: readonly ListenConfig[]): Finding[] {
  return listen.flatMap(({ tls }, index) => {
    if (tls === undefined) return []
    const place = [...placeOf(root, index), 'tls']
    return [...clientFindings(place, tls), ...nameFindings(place, tls)]
  })
}

function clientFindings(place: Path, { clientCa, clientAuth }: TlsConfig): Finding[] {
  if (clientAuth !== 'none' && clientCa === undefined) {
    const message = `missing; clientAuth is ${clientAuth}, so write the file of the authorities that are accepted`
    return [{ path: [...place, 'clientCa'], message }]
  }
  if (clientAuth === 'none' && clientCa !== undefined) {
    const message = 'is not used while clientAuth is none; write clientAuth: required or optional, or remove it'
    return [{ path: [...place, 'clientCa'], message }]
  }
  return []
}

function nameFindings(place: Path, { sni }: TlsConfig): Finding[] {
  const findings: Finding[] = []
  const taken = new Map<string, number>()
  for (const [index, { hosts }] of sni.entries()) {
    for (const [at, host] of hosts.entries()) {
      const before = taken.get(host)
      if (before === undefined) {
        taken.set(host, index)
        continue
      }
      const message = `${show(host)} is a name of sni[${before}] too; write each name once`
      findings.push({ path: [...place, 'sni', index, 'hosts', at], message })
    }
  }
  return findings
}

/** What is wrong with the files that listeners name: they are opened and read. `root` is what was written. */
export function certificateFindings(root: Record<string, unknown>, listen: readonly ListenConfig[]): Finding[] {
  return listen.flatMap(({ tls }, index) => {
    if (tls === undefined) return []
    const place = [...placeOf(root, index), 'tls']
    const findings = pairFindings(place, tls.cert, tls.key)
    for (const [at, { cert, key }] of tls.sni.entries())
      findings.push(...pairFindings([...place, 'sni', at], cert, key))
    if (tls.clientCa === undefined) return findings
    const authorities = readAuthorities(tls.clientCa)
    if ('fault' in authorities) findings.push({ path: [...place, 'clientCa'], message: authorities.fault })
    return findings
  })
}

function pairFindings(place: Path, cert: string, key: string): Finding[] {
  const read = readCertificate(cert, key)
  return 'fault' in read ? [{ path: [...place, read.file], message: read.fault }] : []
}
