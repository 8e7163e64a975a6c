/** The service of an endpoint that is written as `service/id`. */
export function serviceOf(target: string): string {
  return target.slice(0, target.indexOf('/'))
}

/** Its id. */
export function idOfTarget(target: string): string {
  return target.slice(target.indexOf('/') + 1)
}
