package import ByteText

/// Why the daemon does not do what it was asked; an error of `io.grantwatch` on the wire, or of the
/// interface that was called.
package enum ControlError: Error, Equatable, Sendable {
  /// `id` names nothing, or, with candidates in `matches`, several.
  case notFound(id: String, matches: [String])
  case permissionDenied(String)
  /// The parameters do not fit the method.
  case invalid(String)
  case failed(String)
  /// More or longer than is taken.
  case tooLarge(String)
  /// Faster than is taken.
  case tooOften(String)

  /// The name on the wire, as an error of `interface`.
  package func name(in interface: String = interfaceName) -> String {
    switch self {
    case .notFound: "\(interface).NotFound"
    case .permissionDenied: "\(interface).PermissionDenied"
    case .invalid: "\(interface).Invalid"
    case .failed: "\(interface).Failed"
    case .tooLarge: "\(interface).TooLarge"
    case .tooOften: "\(interface).TooOften"
    }
  }

  /// Writes the members of the error's "parameters".
  func writeParameters(to writer: inout JSONWriter) {
    switch self {
    case .notFound(let id, let matches):
      writer.member("id", id)
      writer.member("matches", matches)
    case .permissionDenied(let reason), .invalid(let reason), .failed(let reason),
      .tooLarge(let reason), .tooOften(let reason):
      writer.member("reason", reason)
    }
  }

  /// Reads an error of these interfaces from the wire; nil for any other.
  package init?(name: String, parameters: JSON) {
    let reason = parameters["reason"].text ?? "no reason given"
    guard let dot = name.lastIndex(of: "."),
      [interfaceName, connectorInterfaceName].contains(String(name[..<dot]))
    else { return nil }
    switch name[name.index(after: dot)...] {
    case "NotFound":
      self = .notFound(
        id: parameters["id"].text ?? "", matches: parameters["matches"].elements.compactMap(\.text))
    case "PermissionDenied": self = .permissionDenied(reason)
    case "Invalid": self = .invalid(reason)
    case "Failed": self = .failed(reason)
    case "TooLarge": self = .tooLarge(reason)
    case "TooOften": self = .tooOften(reason)
    default: return nil
    }
  }
}
