/** Reading raw header arrays (name, value, name, value, …), whose names come in whatever case the sender chose. */

/** Every value of a header in the order sent. `name` is in lower case. */
export const headerValues = (rawHeaders: readonly string[], name: string): string[] => {
  const values: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const candidate = rawHeaders[index] ?? ''
    if (candidate.length === name.length && candidate.toLowerCase() === name) {
      values.push(rawHeaders[index + 1] ?? '')
    }
  }
  return values
}

/** The first value of a header; `undefined` when it was not sent. `name` is in lower case. */
export const headerValue = (rawHeaders: readonly string[], name: string): string | undefined => {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const candidate = rawHeaders[index] ?? ''
    if (candidate.length === name.length && candidate.toLowerCase() === name) return rawHeaders[index + 1]
  }
  return undefined
}

/** The members of a comma-separated header, over all of its copies (RFC 9110 section 5.3), trimmed, empty ones dropped. */
export const headerList = (rawHeaders: readonly string[], name: string): string[] =>
  headerValues(rawHeaders, name)
    .flatMap((value) => value.split(','))
    .map((member) => member.trim())
    .filter((member) => member !== '')

/** Both, and what both say in the same words once. */
export const joinFields = (some: readonly string[], others: readonly string[]): string[] => {
  const joined = [...some]
  for (let index = 0; index + 1 < others.length; index += 2) {
    const [name = '', value = ''] = others.slice(index, index + 2)
    if (!headerValues(some, name.toLowerCase()).includes(value)) joined.push(name, value)
  }
  return joined
}
