import ByteText
package import Kinds
package import LinuxKit

/// The last known memberships on disk, for the difference after a stop.
package enum GroupStateFile {
  package static func save(_ state: GroupState, to path: String) throws(SystemError) {
    var writer = JSONWriter(reserving: 4096)
    writer.beginObject()
    writer.key("groups")
    writer.beginObject()
    for (name, gid) in state.groups.sorted(by: { $0.key < $1.key }) {
      writer.member(name, Int64(gid))
    }
    writer.endObject()
    writer.key("users")
    writer.beginObject()
    for (name, account) in state.users.sorted(by: { $0.key < $1.key }) {
      writer.key(name)
      writer.beginArray()
      writer.value(Int64(account.uid))
      writer.value(Int64(account.gid))
      writer.endArray()
    }
    writer.endObject()
    writer.key("memberships")
    writer.beginArray()
    for membership in state.memberships.sorted(by: { ($0.group, $0.user) < ($1.group, $1.user) }) {
      writer.beginArray()
      writer.value(membership.user)
      writer.value(membership.group)
      writer.value(membership.primary)
      writer.endArray()
    }
    writer.endArray()
    writer.endObject()
    try SmallFile.replace(path, with: writer.bytes)
  }

  /// What `save` wrote; nil when there is nothing or it cannot be read.
  package static func load(_ path: String) -> GroupState? {
    guard let bytes = try? SmallFile.read(path), let json = try? JSON.parse(bytes) else {
      return nil
    }
    // One entry that is not as it was written, and nothing in the file can be believed.
    guard case .object = json["groups"], case .object = json["users"],
      case .array = json["memberships"]
    else { return nil }
    var state = GroupState()
    for member in json["groups"].members {
      guard let gid = member.value.integer.flatMap(UInt32.init(exactly:)) else { return nil }
      state.groups[member.name] = gid
    }
    for member in json["users"].members {
      let numbers = member.value.elements.compactMap { $0.integer.flatMap(UInt32.init(exactly:)) }
      guard numbers.count == 2 else { return nil }
      state.users[member.name] = GroupState.Account(uid: numbers[0], gid: numbers[1])
    }
    for element in json["memberships"].elements {
      let parts = element.elements
      guard parts.count == 3, let user = parts[0].text, let group = parts[1].text,
        let primary = parts[2].bool
      else { return nil }
      state.memberships.insert(Membership(user: user, group: group, primary: primary))
    }
    return state
  }
}

extension GroupState {
  /// The name of a group, or its number where it has none.
  package func groupName(_ gid: UInt32) -> String {
    groups.lazy.filter { $0.value == gid }.map(\.key).min() ?? String(gid)
  }

  /// The name of an account's primary group.
  package func primaryGroup(of user: String) -> String? { users[user].map { groupName($0.gid) } }

  /// The same without one membership.
  package func without(_ membership: Membership) -> GroupState {
    var state = self
    state.memberships.remove(membership)
    return state
  }
}
