import { resolve } from 'node:path'
import type { Config } from './schema.ts'
import type { UpstreamTlsConfig } from './upstream-schema.ts'

/** The same services, the paths of their files relative to this folder. */
export function servicesInFolder(services: Config['services'], folder: string): Config['services'] {
  return Object.fromEntries(
    Object.entries(services).map(([name, service]) => [
      name,
      {
        ...service,
        ...(service.tls !== undefined && { tls: tlsInFolder(service.tls, folder) }),
        discover: service.discover.map(entry => inFolder(entry, ['file', 'directory'], folder)),
      },
    ]),
  )
}

function tlsInFolder(tls: UpstreamTlsConfig, folder: string): UpstreamTlsConfig {
  return inFolder(tls, ['ca', 'cert', 'key'], folder)
}

/** With these keys, where they are there, made absolute. */
function inFolder<Entry extends object>(entry: Entry, keys: readonly (keyof Entry)[], folder: string): Entry {
  const paths = keys.flatMap(key => {
    const path = entry[key]
    return typeof path === 'string' ? [[key, resolve(folder, path)]] : []
  })
  return { ...entry, ...Object.fromEntries(paths) }
}
