import { count, integer, objectOf, oneOf, type ShapeOf, text } from '../kit/grammar/shapes.ts'

/** An endpoint in a signal: where it is in the tables, and its service. `subject` names it for people: `service/id`. */
export const ref = { row: count, generation: integer, service: text, id: text }
export const endpointRef = objectOf(ref)
export type EndpointRef = ShapeOf<typeof endpointRef>

/** What active checks say of an endpoint. */
export const healthWord = oneOf('unknown', 'healthy', 'degraded', 'unhealthy')
export type HealthWord = ShapeOf<typeof healthWord>
