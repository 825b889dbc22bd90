import ByteText
import Grants
import LinuxKit

/// Places where access is to be taken back and nothing can be written: the service's sandbox keeps
/// them read-only until its drop-in opens them. Better said at the start than at the first deadline.
extension Engine {
  /// The watched trees, and where account files, rules and keys lie.
  private var placesToWrite: [String] {
    configuration.watch + ["/etc", "/home", "/root"].filter { !configuration.watch.contains($0) }
  }

  /// Those that are there and read-only, as people call them; none where nothing is to be taken back.
  func readOnlyPlaces() -> [String] {
    guard configuration.mode == .enforce else { return [] }
    return placesToWrite.filter { Mount.isReadOnly(settings.root + Array($0.utf8)) }
  }

  /// Makes it a problem, or none any more.
  func sayWhatIsReadOnly() {
    let places = readOnlyPlaces()
    guard !places.isEmpty else { return problems.clear(.readOnly) }
    let text =
      "enforce: \(places.map { escaped($0.utf8) }.joined(separator: " ")): read-only here, so nothing can"
      + " be taken back there: the drop-in /usr/lib/grantwatch/enforce.conf opens them, see grantwatchd(8)"
    if problems.set(.readOnly, text) { settings.log(text) }
  }

  /// Nil where nothing is to be taken back.
  func diagnoseEnforcement() -> SourceDiagnosis? {
    guard configuration.mode == .enforce else { return nil }
    let places = readOnlyPlaces()
    var found = SourceDiagnosis(
      name: "enforcement", state: "ok", sees: "where access is taken back can be written")
    if !places.isEmpty {
      found.state = "limited"
      found.sees = "what is to be taken back"
      found.lacks = "leave to write \(places.map { escaped($0.utf8) }.joined(separator: " "))"
      found.mend =
        "install -D -m 644 /usr/lib/grantwatch/enforce.conf /etc/systemd/system/grantwatchd.service.d/"
        + "enforce.conf, name the trees in it, systemctl daemon-reload, systemctl restart grantwatchd"
    }
    return found
  }
}
