import ByteText

/// `… | xargs chmod 777`: what is found, or written, stands behind the command's own words.
func piped(
  _ words: [ShellWord], _ pipe: ShellReader.Pipe?, _ directory: ShellWord
) -> UnwrappedCommand {
  let parsed = xargsOptions.parse(words, permutes: false)
  guard let place = parsed.places.first, let program = program(words[place]) else { return .other }
  var run = Array(words[place...])
  guard program.changesAccess || isWrapper(program) else { return .other }
  var unknown = FoundCommand(
    program: .xargs, arguments: words, source: 0..<0, directory: directory)
  unknown.user = nil
  var given: [ShellWord] = []
  var isBelow = false
  if let find = pipe?.find {
    given = findRoots(find).map { ShellWord(bytes: $0.bytes, exact: $0.exact && isWide(find)) }
    isBelow = true
  } else if let content = pipe?.content {
    given = content.bytes.split(whereSeparator: isBlank).prefix(ChangeGrammar.mostChanges)
      .map { ShellWord(bytes: Array($0), exact: content.exact) }
  } else {
    return .command(unknown)
  }
  if let mark = parsed.last("I") ?? parsed.last("i"), !mark.bytes.isEmpty {
    guard run.count < 64 else { return .other }
    run = run.flatMap { $0.bytes == mark.bytes ? given : [$0] }
  } else {
    run += given
  }
  guard case .command(var found) = unwrapped(run, in: directory, isAction: true) else {
    return .other
  }
  found.below = isBelow
  return .command(found)
}

/// Tests of `find` that choose between files and folders, or none: the action still reaches what
/// the folder holds.
private let wideTests: Set<String> = [
  "-type", "-mindepth", "-xdev", "-mount", "-depth", "-print", "-print0",
]

/// The folders that a `find` looks into.
private func findRoots(_ words: [ShellWord]) -> [ShellWord] {
  var roots: [ShellWord] = []
  for word in words {
    guard let first = word.bytes.first else { continue }
    if first == UInt8(ascii: "-") {
      guard ["-L", "-P", "-H"].contains(word.text) else { break }
    } else if first == UInt8(ascii: "(") || first == UInt8(ascii: "!") {
      break
    } else {
      roots.append(word)
    }
  }
  return roots.isEmpty ? [ShellWord(bytes: [UInt8(ascii: ".")])] : roots
}

/// True when all tests leave what lies in the folders as it is.
private func isWide(_ words: [ShellWord]) -> Bool {
  words.drop { !$0.isOption || ["-L", "-P", "-H"].contains($0.text) }.allSatisfy {
    !$0.isOption && $0.bytes.count == 1 || wideTests.contains($0.text)
  }
}

func findAction(_ words: [ShellWord], in directory: ShellWord) -> UnwrappedCommand {
  guard
    let action = words.firstIndex(where: {
      ["-exec", "-execdir", "-ok", "-okdir"].contains($0.text)
    })
  else { return .find(words) }
  let tests = Array(words[..<action])
  let isWide = isWide(tests)
  let roots = findRoots(tests)
  var run: [ShellWord] = []
  for word in words[(action + 1)...] {
    if word.bytes == [UInt8(ascii: ";")] || word.bytes == [UInt8(ascii: "+")] { break }
    if word.isText("{}") {
      guard run.count < 4 * ChangeGrammar.mostChanges else { break }
      run += roots.prefix(ChangeGrammar.mostChanges).map {
        ShellWord(bytes: $0.bytes, exact: $0.exact && isWide)
      }
    } else {
      run.append(word)
    }
  }
  switch unwrapped(run, in: directory, isAction: true) {
  case .command(var found):
    found.below = true
    return .command(found)
  case .script(let script): return .script(script)
  default: return .other
  }
}
