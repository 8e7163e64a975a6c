import { SignalboxError } from '../../../engine/writer.ts'

/**
 * What checks a value where it comes in: any schema of the Standard Schema kind, so that zod, valibot, arktype and others serve as
 * they are. Only those that answer at once are of use here.
 *
 * Source  https://standardschema.dev, version 1
 */
export interface Schema<Output> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Checked<Output> | Promise<Checked<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

type Checked<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a check came to: the value as the schema wants it, or what is wrong with it, for people. */
export type Verdict<Output> =
  | { readonly isGood: true; readonly value: Output }
  | { readonly isGood: false; readonly fault: string }

/** In place of a schema: only the type of a value is known, and it is never checked. For what never comes from outside its own thread. */
export function trusted<Output>(): Schema<Output> {
  return TRUSTED as Schema<Output>
}

const TRUSTED: Schema<unknown> = {
  '~standard': { version: 1, vendor: 'signalbox', validate: value => ({ value }) },
}

/** Whether everything is good to this schema. */
export function trusts(schema: Schema<unknown>): boolean {
  return schema === TRUSTED
}

/** Checks a value. Throws SBX_AGENT_INVALID for a schema that answers by promise: nothing waits for it here. */
export function check<Output>(schema: Schema<Output>, value: unknown): Verdict<Output> {
  const checked = schema['~standard'].validate(value)
  if (checked instanceof Promise) {
    throw new SignalboxError(
      'SBX_AGENT_INVALID',
      `Cannot check a value: the schema of ${schema['~standard'].vendor} answers by promise, use one that answers at once`,
    )
  }
  if (checked.issues === undefined) return { isGood: true, value: checked.value }
  return { isGood: false, fault: checked.issues.map(describe).join('; ') }
}

function describe({ message, path = [] }: Issue): string {
  const at = path.map(step => String(typeof step === 'object' ? step.key : step)).join('.')
  return at === '' ? message : `${at}: ${message}`
}
