import ByteText
import LinuxKit

/// Which packages the virtual environments of Python have: the only thing that names an application
/// around a library. Each is looked into once in a while, and the answer remembered.
final class PythonEnvironment {
  private var known: [[UInt8]: (packages: Set<[UInt8]>, at: Int64)] = [:]

  /// Environments that are remembered.
  private static let most = 256
  /// For how long, in microseconds.
  private static let lasts: Int64 = 600_000_000
  /// Folders that are no virtual environment.
  private static let systems: Set<String> = ["", "/usr", "/usr/local"]
  /// Modules that work on an environment, or on the code in it, and are not what it is for.
  private static let tools: Set<String> = [
    "pip", "ensurepip", "venv", "virtualenv", "pytest", "unittest", "mypy", "black", "ruff",
    "flake8", "pylint", "build", "twine", "compileall", "pydoc", "http.server", "json.tool", "pdb",
  ]

  /// A package's name as all its spellings have it in common: small letters, and `-` for runs of
  /// `-`, `_` and `.`; see the Python Packaging User Guide on name normalization.
  static func normal(_ name: [UInt8]) -> [UInt8] {
    var found: [UInt8] = []
    for byte in name {
      if byte == 0x2d || byte == 0x5f || byte == 0x2e {
        if found.last != 0x2d { found.append(0x2d) }
      } else {
        found.append(byte &- 0x41 < 26 ? byte | 0x20 : byte)
      }
    }
    return found
  }

  /// The virtual environment that a program of Python runs in, if it is an application: not a tool
  /// of the environment's own, and not a person's prompt.
  ///
  /// - Parameters:
  ///   - declared: the variable VIRTUAL_ENV.
  ///   - folder: gives the folder that the process works in.
  static func folder(
    of words: CommandWords, executable: [UInt8]?, declared: [UInt8]?, folder: () -> [UInt8]?
  ) -> [UInt8]? {
    let slash = UInt8(ascii: "/")
    guard let executable, let called = words.all.first, words.program.count >= 2,
      let name = executable.split(separator: slash).last,
      name.starts(with: "python".utf8) || name.starts(with: "pypy".utf8)
    else { return nil }
    if words.script == nil, let module = words.program.last,
      tools.contains(String(decoding: module, as: UTF8.self))
    {
      return nil
    }
    var place: [UInt8]
    if called.contains(slash) {
      place = Array(called)
      if place.first != slash {
        guard let base = folder() else { return nil }
        place = base + [slash] + place
      }
      let parts = place.split(separator: slash).filter { !$0.elementsEqual(".".utf8) }
      guard parts.count > 2, parts[parts.count - 2].elementsEqual("bin".utf8) else { return nil }
      place = parts.dropLast(2).flatMap { [slash] + $0 }
    } else {
      guard let declared, declared.first == slash else { return nil }
      place = declared
      while place.last == slash { place.removeLast() }
    }
    guard place.count <= 1024, !systems.contains(String(decoding: place, as: UTF8.self)),
      words.script.map({ !$0.starts(with: place + Array("/bin/".utf8)) }) ?? true
    else { return nil }
    return place
  }

  /// Those of `wanted` that the environment at `place` has; `now` in microseconds.
  func packages(at place: [UInt8], among wanted: Set<[UInt8]>, now: Int64) -> Set<[UInt8]> {
    if let found = known[place], now - found.at < Self.lasts { return found.packages }
    if known.count >= Self.most { known = [:] }
    let found = Self.look(place, wanted)
    known[place] = (found, now)
    return found
  }

  /// Other packages are asked for from now on.
  func forget() { known = [:] }

  private static func look(_ place: [UInt8], _ wanted: Set<[UInt8]>) -> Set<[UInt8]> {
    guard LocalFolder.names(place)?.contains(Array("pyvenv.cfg".utf8)) == true else { return [] }
    let library = place + Array("/lib/".utf8)
    let versions = (LocalFolder.names(library) ?? []).filter {
      $0.starts(with: "python".utf8) || $0.starts(with: "pypy".utf8)
    }
    var found: Set<[UInt8]> = []
    for version in versions.prefix(4) {
      let names = LocalFolder.names(library + version + Array("/site-packages".utf8)) ?? []
      for name in names where name.suffix(10).elementsEqual(".dist-info".utf8) {
        // `NAME-VERSION.dist-info`, no dash within the two.
        let package = normal(Array(name.prefix { $0 != UInt8(ascii: "-") }))
        if wanted.contains(package) { found.insert(package) }
      }
    }
    return found
  }
}
