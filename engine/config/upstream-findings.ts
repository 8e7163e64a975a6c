import type { Finding } from './problems.ts'
import type { UpstreamTlsConfig } from './upstream-schema.ts'
import { readUpstreamPems } from './upstream-tls.ts'

/** What is wrong between the keys of `tls` of a service, and between them and its endpoints. */
export function tlsKeyFindings(
  service: string,
  tls: UpstreamTlsConfig | undefined,
  endpoints: readonly ({ url: string } | undefined)[],
  areMoreFound: boolean,
): Finding[] {
  if (tls === undefined) return []
  const path = ['services', service, 'tls']
  const findings: Finding[] = []
  if (tls.key !== undefined && tls.cert === undefined) {
    findings.push({ path: [...path, 'cert'], message: 'missing; there is a key, so write the certificate it is of' })
  }
  if (tls.cert !== undefined && tls.key === undefined) {
    findings.push({ path: [...path, 'key'], message: 'missing; there is a cert, so write the file of its key' })
  }
  if (!tls.verify && tls.ca !== undefined) {
    findings.push({
      path: [...path, 'ca'],
      message: 'is not used while verify is false; remove verify: false, or remove this',
    })
  }
  // Who writes tls believes that there is some; of endpoints that are found later nobody can say.
  const isPlain =
    !areMoreFound && endpoints.length > 0 && endpoints.every(endpoint => endpoint?.url.startsWith('http:'))
  if (isPlain) {
    findings.push({
      path,
      message: 'is not used, for no endpoint of the service has an https url; write https://, or remove it',
    })
  }
  return findings
}

interface Services {
  readonly [name: string]: { readonly tls?: UpstreamTlsConfig | undefined }
}

/** What is wrong with the files services name for TLS to their endpoints: they are opened and read. */
export function tlsFileFindings(services: Services): Finding[] {
  return Object.entries(services).flatMap(([name, { tls }]): Finding[] => {
    if (tls === undefined) return []
    const read = readUpstreamPems(tls)
    return 'fault' in read ? [{ path: ['services', name, 'tls', read.file], message: read.fault }] : []
  })
}
