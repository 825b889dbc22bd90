package import ByteText
internal import Grants

/// Events of Kubernetes' audit log (audit.k8s.io/v1, one JSON object a line) on role bindings.
package enum KubernetesAudit {
  private static let verbs: Set<String> = [
    "create", "update", "patch", "delete", "deletecollection",
  ]

  /// What a line tells: one grant for each subject of a new binding, a set of subjects for a changed
  /// one, a revocation for one that was deleted.
  package static func signals(_ line: ArraySlice<UInt8>, read: Timestamp) -> [AccessSignal] {
    // Most lines are of other resources, and not worth their parsing.
    guard names(line, "rolebindings"), let event = try? JSON.parse(line) else { return [] }
    let target = event["objectRef"]
    guard event["kind"].text == "Event", event["stage"].text == "ResponseComplete",
      let resource = target["resource"].text,
      resource == "rolebindings" || resource == "clusterrolebindings",
      target["subresource"].isNull, let verb = event["verb"].text, verbs.contains(verb)
    else { return [] }
    let code = event["responseStatus"]["code"].integer ?? 200
    guard code < 300 || code == 403 else { return [] }
    let binding = Binding(event, resource: resource)
    let common = Common(event, verb: verb, binding: binding, read: read)
    if code == 403 { return [common.signal(.denied, subject: nil)] }
    switch verb {
    case "delete", "deletecollection": return [common.signal(.revoke, subject: nil)]
    case "create":
      if binding.subjects.isEmpty { return [common.signal(.grant, subject: nil)] }
      return binding.subjects.map { common.signal(.grant, subject: $0) }
    default:
      var signal = common.signal(.set, subject: nil)
      signal.members = binding.knowsSubjects ? binding.subjects : nil
      return [signal]
    }
  }

  private static func names(_ line: ArraySlice<UInt8>, _ word: StaticString) -> Bool {
    line.withUnsafeBytes { bytes in
      word.withUTF8Buffer { needle in
        guard bytes.count >= needle.count else { return false }
        var at = 0
        let last = bytes.count - needle.count
        // The rarest letter first: `rolebindings` has its only g near the end.
        while at <= last {
          if bytes[at + 10] == needle[10], bytes[at] == needle[0],
            UnsafeRawBufferPointer(rebasing: bytes[at..<(at + needle.count)]).elementsEqual(needle)
          {
            return true
          }
          at += 1
        }
        return false
      }
    }
  }

  /// The role binding, as the request or the answer shows it: that depends on the log's level.
  private struct Binding {
    var object: String
    var right: String?
    var subjects: [String] = []
    var knowsSubjects = false

    init(_ event: JSON, resource: String) {
      let body = event["responseObject"].isNull ? event["requestObject"] : event["responseObject"]
      let target = event["objectRef"]
      let name = target["name"].text ?? body["metadata"]["name"].text ?? "*"
      let space = target["namespace"].text
      object =
        resource == "rolebindings"
        ? "kubernetes:rolebinding/\(Self.safe(space ?? "?"))/\(Self.safe(name))"
        : "kubernetes:clusterrolebinding/\(Self.safe(name))"
      if let role = body["roleRef"]["name"].text {
        right = "\(Self.safe(body["roleRef"]["kind"].text ?? "Role"))/\(Self.safe(role))"
      }
      knowsSubjects = !body["subjects"].isNull || !body["roleRef"].isNull
      for subject in body["subjects"].elements.prefix(256) {
        guard let name = subject["name"].text else { continue }
        switch subject["kind"].text {
        case "ServiceAccount":
          subjects.append(
            "serviceaccount:\(Self.safe(subject["namespace"].text ?? space ?? "?"))/\(Self.safe(name))"
          )
        case "Group": subjects.append("group:" + Self.safe(name))
        default: subjects.append("user:" + Self.safe(name))
        }
      }
    }

    static func safe(_ text: String) -> String { escaped(Array(text.utf8).prefix(256)) }
  }

  /// What every signal of the event has.
  private struct Common {
    var time: Timestamp
    var actor: String?
    var message: String
    var binding: Binding

    init(_ event: JSON, verb: String, binding: Binding, read: Timestamp) {
      let told = event["requestReceivedTimestamp"].text.flatMap { Timestamp(rfc3339: $0) }
      time = min(told ?? read, read)
      let user = event["user"]["username"].text.map(Binding.safe)
      let other = event["impersonatedUser"]["username"].text.map(Binding.safe)
      actor = other ?? user
      var text = "\(user ?? "?") asked to \(verb) \(binding.object)"
      if let other { text += " as \(other)" }
      if let agent = event["userAgent"].text { text += ", with \(Binding.safe(agent))" }
      if let address = event["sourceIPs"].elements.first?.text {
        text += ", from \(Binding.safe(address))"
      }
      message = text
      self.binding = binding
    }

    func signal(_ type: SignalType, subject: String?) -> AccessSignal {
      var signal = AccessSignal(
        cursor: "", time: time, tool: "kubernetes", type: type, message: message, trusted: true)
      signal.kind = .kubernetes
      signal.subject = subject
      signal.object = binding.object
      signal.right = binding.right
      signal.actorUser = actor
      return signal
    }
  }
}
