internal import ByteText

/// What a password field lets in; see crypt(5) and shadow(5). The hash itself is not kept.
package enum PasswordField: String, Sendable {
  /// Some password opens it.
  case usable
  /// Nothing is asked for.
  case empty
  /// Behind `!` stands a hash that comes back when it is unlocked.
  case locked
  /// No password opens it, and there is none to bring back.
  case none

  package init(_ field: [UInt8]) {
    switch field.first {
    case nil: self = .empty
    case UInt8(ascii: "!"):
      let rest = field.drop { $0 == UInt8(ascii: "!") }
      self = rest.isEmpty || rest.first == UInt8(ascii: "*") ? .none : .locked
    case UInt8(ascii: "*"): self = .none
    default: self = .usable
    }
  }

  /// With a password, or without one where none is asked for.
  var isUsable: Bool { self == .usable || self == .empty }
}

/// The longest path that the kernel runs, in bytes.
let longestShell = 4095

/// True for what Debian's accounts have for a shell that nobody gets to use, and for what cannot be
/// run; an empty field stands for /bin/sh.
package func refusesLogin(shell: [UInt8]) -> Bool {
  guard shell.count <= longestShell else { return true }
  let name = split(shell[...], at: UInt8(ascii: "/")).last.map { Array($0) } ?? []
  return name == Array("nologin".utf8) || name == Array("false".utf8)
}
