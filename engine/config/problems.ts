import { printable } from './wording.ts'

/** One thing that is wrong with a config. The message says the state and the wish. */
export interface ConfigProblem {
  /** The file as its reader called it; absent where there was none. */
  file?: string
  /** From 1; absent where the config did not come from a text. */
  line?: number
  /** From 1, in UTF-16 code units. */
  column?: number
  /** Such as `services.api.endpoints[0].url`; empty for the file as a whole. */
  path: string
  message: string
}

/** Keys and indices from the root. */
export type Path = readonly (string | number)[]

/** A problem before its place in the text is known. */
export interface Finding {
  path: Path
  message: string
  /** The key itself is wrong, rather than what is written for it. */
  isOnKey?: boolean
  /** Where it is in the text, if the path alone does not say. */
  offset?: number
}

/** One line for each problem: `file:line:column: path: message`. What a problem does not have is left out. */
export function formatProblems(file: string, problems: readonly ConfigProblem[]): string {
  return problems.map(problem => formatProblem(file, problem)).join('\n')
}

function formatProblem(file: string, { line, column, path, message }: ConfigProblem): string {
  const place = [file, line, column].filter(part => part !== undefined && part !== '').join(':')
  return [place, path, message].filter(part => part !== '').join(': ')
}

/** `services.api.endpoints[0].url`; a key that is not a plain word stands in brackets and quotes. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${printable(JSON.stringify(step))}]`
  }
  return text
}
