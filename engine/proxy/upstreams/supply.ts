import { isSame } from '../../config/changes.ts'
import type { Config } from '../../config/schema.ts'
import type { Dice } from '../../policies/dice.ts'
import type { Router } from '../../router/router.ts'

type ServiceConfig = Config['services'][string]

/** What connections to a service's endpoints need to know of it. */
export interface Supply extends Pick<ServiceConfig, 'timeouts' | 'tls' | 'protocol' | 'connections'> {
  readonly service: string
  /** Counts connections, and says when there are too many. */
  readonly router: Pick<Router, 'tryConnect' | 'endConnection'>
}

/** Whether connections that were made by the one may be used by the other. */
export function isSameSupply(a: Supply, b: Supply): boolean {
  const said = ({ timeouts, tls, protocol, connections }: Supply) => ({ timeouts, tls, protocol, connections })
  return isSame(said(a), said(b))
}

/** How long a connection lives: connections that were opened together do not end together. */
export function lifeMs(maxAge: number, roll: Dice): number {
  return maxAge * (1 - (0.2 * roll()) / 2 ** 31)
}
