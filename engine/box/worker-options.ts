/**
 * A thread inherits the options of the process, and `--input-type` (of `node --input-type=module -e …`) makes it refuse
 * to start from a file. The list cannot be passed on without it: some options are fine to inherit, but not to name.
 */
export function inheritedOptions(): { execArgv?: string[] } {
  return process.execArgv.some(option => option.startsWith('--input-type')) ? { execArgv: [] } : {}
}
