/**
 * Numbers that are tuned while the engine runs, by service. Who tunes and who is tuned are skills of one agent and share it; it is changed in
 * place, by the one who tunes alone.
 */
export class Tunables {
  readonly #usual: number
  readonly #values = new Map<string, number>()

  /** `usual`: of a service for which nothing else was found. */
  constructor(usual: number) {
    this.#usual = usual
  }

  of(service: string): number {
    return this.#values.get(service) ?? this.#usual
  }

  set(service: string, value: number): void {
    if (value === this.#usual) this.#values.delete(service)
    else this.#values.set(service, value)
  }
}
