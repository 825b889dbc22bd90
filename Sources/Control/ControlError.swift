package import ByteText

/// Why the daemon does not do what it was asked; an error of `io.grantwatch` on the wire.
package enum ControlError: Error, Equatable, Sendable {
  /// `id` names nothing, or, with candidates in `matches`, several.
  case notFound(id: String, matches: [String])
  case permissionDenied(String)
  /// The parameters do not fit the method.
  case invalid(String)
  case failed(String)

  /// The name on the wire.
  package var name: String {
    switch self {
    case .notFound: "\(interfaceName).NotFound"
    case .permissionDenied: "\(interfaceName).PermissionDenied"
    case .invalid: "\(interfaceName).Invalid"
    case .failed: "\(interfaceName).Failed"
    }
  }

  /// Writes the members of the error's "parameters".
  func writeParameters(to writer: inout JSONWriter) {
    switch self {
    case .notFound(let id, let matches):
      writer.member("id", id)
      writer.member("matches", matches)
    case .permissionDenied(let reason), .invalid(let reason), .failed(let reason):
      writer.member("reason", reason)
    }
  }

  /// Reads an error of this interface from the wire; nil for any other.
  package init?(name: String, parameters: JSON) {
    let reason = parameters["reason"].text ?? "no reason given"
    switch name {
    case "\(interfaceName).NotFound":
      self = .notFound(
        id: parameters["id"].text ?? "", matches: parameters["matches"].elements.compactMap(\.text))
    case "\(interfaceName).PermissionDenied": self = .permissionDenied(reason)
    case "\(interfaceName).Invalid": self = .invalid(reason)
    case "\(interfaceName).Failed": self = .failed(reason)
    default: return nil
    }
  }
}
