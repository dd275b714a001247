/** The text of a positional. yargs gives strings for those that are declared so. */
export const textArgument = (args: Readonly<Record<string, unknown>>, name: string): string => String(args[name] ?? '')

/** The texts of a positional that takes several. */
export const textsArgument = (args: Readonly<Record<string, unknown>>, name: string): string[] => {
  const given = args[name]
  return Array.isArray(given) ? given.map(String) : [textArgument(args, name)]
}
