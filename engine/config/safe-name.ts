/** Whether the text is a name of up to `longest` characters that is safe in paths, labels and log lines. */
export function isName(text: string, longest: number): boolean {
  return /^[A-Za-z0-9._:-]+$/.test(text) && text.length <= longest
}
