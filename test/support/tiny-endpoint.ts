/** What a test says of an endpoint; the rest has defaults. */
export interface TinyEndpoint {
  weight?: number
  zone?: string
  priority?: number
  metadata?: Record<string, string>
}

export function newEndpoint(id: string, { weight = 1, zone = '', priority = 0, metadata = {} }: TinyEndpoint = {}) {
  return { id, url: `http://${id}.test`, zone, metadata, weight, priority }
}
