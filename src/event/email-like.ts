/**
 * Does a text hold something that looks like an e-mail address, plain or percent-encoded? Written by hand because the
 * obvious expression backtracks: an address line of `a%40a%40a…` would hold up every visitor for seconds.
 */
export const holdsEmail = (text: string): boolean => {
  // Nearly always there is no such sign, and that costs one look.
  if (!text.includes('@') && !/%40/.test(text)) return false
  const parts = text.replaceAll('%40', '@').split('@')
  return parts.some((after, index) => {
    const before = parts[index - 1]
    if (before === undefined || !/\S$/.test(before.slice(-1))) return false
    const [host = ''] = after.split(/\s/, 1)
    const dot = host.indexOf('.', 1)
    return dot > 0 && dot < host.length - 1
  })
}
