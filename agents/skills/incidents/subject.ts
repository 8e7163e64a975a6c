/** An endpoint as people name it: `service/id`. */
export interface Named {
  readonly service: string
  readonly id: string
}

export function subjectOf({ service, id }: Named): string {
  return `${service}/${id}`
}

/** The other way round; undefined where it is the name of something else. No service has a slash in its name. */
export function endpointOf(subject: string): Named | undefined {
  const slash = subject.indexOf('/')
  if (slash < 1 || slash === subject.length - 1) return undefined
  return { service: subject.slice(0, slash), id: subject.slice(slash + 1) }
}
