import ByteText
import Grants
import Kinds
import Provenance
import Sources

/// Which grants a signal is about: all signals of one change become evidence of one grant.
extension Engine {
  /// How far apart a signal and the change it tells of may lie, in microseconds.
  static let reach: Int64 = 10_000_000

  /// The grants that a signal is evidence of: those its process gave, and those whose subject and
  /// object it names.
  func grants(spokenOfBy signal: AccessSignal) -> [String] {
    var ids: [String] = []
    func add(_ id: String) {
      guard ids.count < 16, !ids.contains(id), let grant = store[id], isNear(signal, grant) else {
        return
      }
      // A thousand files changed by one process are a thousand records of audit.
      if signal.source == "audit", grant.evidence.contains(where: { $0.source == "audit" }) {
        return
      }
      ids.append(id)
    }
    if signal.pid > 1 {
      let up = now.up - (now.wall - signal.time).microseconds
      let process = processes.process(signal.pid, at: up)
      let given = recentProcesses.grants(of: signal.pid, at: up, known: process)
      // Of several grants of one process a record of audit is about those of its kind and file.
      let meant = signal.source == "audit" ? given.filter { isAbout(signal, $0) } : []
      for id in meant.isEmpty ? given : meant { add(id) }
    }
    for id in candidates(signal) {
      if let grant = store[id], speaks(signal, of: grant) { add(id) }
    }
    return ids
  }

  /// True when the signal tells of the grant's subject and object, about when it was given.
  func speaks(_ signal: AccessSignal, of grant: Grant) -> Bool {
    guard !grant.standing, isNear(signal, grant), tells(signal, of: grant) else { return false }
    // A record of audit is of one call: of another process's change it says nothing.
    return signal.source != "audit" || grant.actor.pid.map { $0 == signal.pid } ?? true
  }

  /// True for a record of a call on a descriptor, which names no file, by the process that gave the
  /// grant.
  func isOfOpenFile(_ signal: AccessSignal, _ grant: Grant) -> Bool {
    signal.source == "audit" && signal.object == nil && signal.pid == grant.actor.pid
      && grant.kind.isFiles && isNear(signal, grant)
      && (signal.kind == grant.kind || isOfAttribute(signal, grant.kind))
  }

  private func isAbout(_ signal: AccessSignal, _ id: String) -> Bool {
    guard let grant = store[id] else { return false }
    if signal.object != nil { return tells(signal, of: grant) }
    return signal.kind == grant.kind || isOfAttribute(signal, grant.kind)
  }

  private func isNear(_ signal: AccessSignal, _ grant: Grant) -> Bool {
    abs(grant.detectedAt.microseconds - signal.time.microseconds) < Self.reach
      || abs(grant.grantedAt.microseconds - signal.time.microseconds) < Self.reach
  }

  /// True when what the signal names is what the grant gives, whenever that was.
  func tells(_ signal: AccessSignal, of grant: Grant) -> Bool {
    guard signal.type != .use, signal.type != .denied,
      signal.kind == grant.kind || isOfAttribute(signal, grant.kind), let object = signal.object
    else { return false }
    if grant.kind.isFiles {
      return object == grant.object || grant.items.prefix(64).contains { $0.object == object }
    }
    guard
      object == grant.object || objectNumber(grant) == object
        || (grant.kind == .postgresql && ReportedObject.isMeant(object, by: grant.object))
    else { return false }
    if let subject = signal.subject { return subject == grant.subject }
    guard signal.type == .set else { return false }
    guard let members = signal.members else { return true }
    let user = grant.subject.hasPrefix("user:") ? String(grant.subject.dropFirst(5)) : ""
    // A set without the user is how it ended.
    return members.contains(user) || grant.state == .ended
  }

  /// A record of a call on an extended attribute does not say which.
  private func isOfAttribute(_ signal: AccessSignal, _ kind: GrantKind) -> Bool {
    signal.kind == nil && signal.source == "audit" && (kind == .fileACL || kind == .fileCapability)
  }

  /// Lines on a primary group know only its number.
  private func objectNumber(_ grant: Grant) -> String? {
    guard grant.kind == .groupMember else { return nil }
    return groupState?.groups[String(grant.object.dropFirst("group:".count))]
      .map { "group:\($0)" }
  }

  private func candidates(_ signal: AccessSignal) -> [String] {
    guard let object = signal.object else { return [] }
    switch signal.kind {
    case .fileMode, .fileOwner, .fileACL, .fileCapability, nil:
      return (store.itemsByObject[object] ?? []).prefix(64).map(\.grant)
    case .groupMember:
      if let subject = signal.subject,
        let ids = store.byMembership[GrantStore.membershipKey(subject: subject, object: object)]
      {
        return ids
      }
      // The newest: a set, or a number, names no single membership.
      return store.order.suffix(64).reversed()
    case .postgresql: return store.order.suffix(64).reversed()
    default: return signal.kind.map { store.told($0, object) } ?? []
    }
  }

  // MARK: Use

  /// The grants whose access a signal says was used.
  func usedGrants(_ signal: AccessSignal) -> [String] {
    guard signal.type == .use, signal.trusted, let kind = signal.kind,
      let subject = signal.subject
    else { return [] }
    let ids: [String]
    switch kind {
    case .sudoRule: ids = grantsThatSudoUses(subject)
    case .groupMember:
      ids =
        signal.object.map { store.byMembership[Self.membershipKey(subject, $0)] ?? [] } ?? []
    case .sshKey:
      ids = (signal.object.map { store.told(kind, $0) } ?? []).filter {
        store[$0]?.subject == subject
      }
    case .account: ids = store.grants(heldBy: subject).filter { store[$0]?.kind == kind }
    default: return []
    }
    return ids.filter { id in
      guard let grant = store[id], grant.state != .ended else { return false }
      return grant.standing || grant.grantedAt <= signal.time
    }
  }

  private static func membershipKey(_ subject: String, _ object: String) -> String {
    GrantStore.membershipKey(subject: subject, object: object)
  }

  /// Rules for the user, for groups that it is in and for everyone, and the memberships in groups
  /// that have a rule. Which rule let it in sudo does not say.
  private func grantsThatSudoUses(_ subject: String) -> [String] {
    func rules(_ holder: String) -> [String] {
      store.grants(heldBy: holder).filter { store[$0]?.kind == .sudoRule }
    }
    var ids = rules(subject) + rules("everyone")
    let user = subject.dropFirst("user:".count)
    let groups = (groupState?.memberships ?? []).filter { $0.user == user }.map(\.group)
    for group in Set(groups).sorted() {
      let ruled = rules("group:\(group)")
      ids += ruled
      if !ruled.isEmpty || Self.sudoGroups.contains(group) {
        ids += store.byMembership[Self.membershipKey(subject, "group:\(group)")] ?? []
      }
    }
    return ids
  }

  /// Groups whose members sudo lets in, as distributions ship their sudoers.
  private static let sudoGroups = ["sudo", "wheel", "admin"]
}
