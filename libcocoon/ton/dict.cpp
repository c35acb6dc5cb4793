#include "ton/dict.h"

#include <array>
#include <bit>
#include <vector>

#include "base/limits.h"

namespace cocoon::ton {
namespace {

Error invalid(std::string_view why) {
  return Error(ErrorKind::invalid_argument, "dict_invalid",
               "The dictionary cannot be read: " + std::string(why) + ".");
}

/// Bits that a label's length takes where `most` bits of the key are left.
unsigned length_bits(unsigned most) {
  return static_cast<unsigned>(std::bit_width(most));
}

/// TL-B `HmLabel ~l most`, in any of its three spellings.
BitString load_label(Slice& in, unsigned most) {
  BitString label;
  unsigned length = 0;
  if (!in.load_bit()) {  // hml_short: the length in ones
    while (in.load_bit()) ++length;
    if (length <= most) label = in.load_bits(length);
  } else if (!in.load_bit()) {  // hml_long
    length = static_cast<unsigned>(in.load_uint(length_bits(most)));
    if (length <= most) label = in.load_bits(length);
  } else {  // hml_same: one bit, repeated
    const std::uint64_t bit = in.load_uint(1);
    length = static_cast<unsigned>(in.load_uint(length_bits(most)));
    // A label within the key fits a bit string.
    for (unsigned i = 0; i < length && length <= most; ++i) (void)label.append(bit, 1);
  }
  if (length > most) in.fail("a label is longer than the key");
  return label;
}

bool all_same(const BitString& bits) {
  for (unsigned i = 1; i < bits.size(); ++i) {
    if (bits[i] != bits[0]) return false;
  }
  return true;
}

/// The shortest spelling; of equally short ones the first of short, long and same.
void store_label(Builder& out, const BitString& label, unsigned most) {
  const unsigned n = label.size();
  const unsigned length = length_bits(most);
  const unsigned as_short = 2 * n + 2;
  const unsigned as_long = 2 + length + n;
  const unsigned as_same = 3 + length;
  if (n > 1 && all_same(label) && as_same < as_short && as_same < as_long) {
    out.store_uint(label[0] ? 0b111 : 0b110, 3).store_uint(n, length);
  } else if (as_long < as_short) {
    out.store_uint(0b10, 2).store_uint(n, length).store_bits(label);
  } else {
    out.store_bit(false);
    for (unsigned i = 0; i < n; ++i) out.store_bit(true);
    out.store_bit(false).store_bits(label);
  }
}

/// One node: its label, and what is left of its cell. A fork's key goes on behind the label.
struct Node {
  BitString label;
  Slice rest;
  bool fork = false;
};

/// @param most bits of the key that are left above the node
Result<Node> read_node(const CellRef& cell, unsigned most, DictKind kind) {
  Slice in(cell);
  Node node{.label = load_label(in, most), .rest = {}, .fork = false};
  COCOON_CHECK(in.check("A node of the dictionary"));
  node.fork = node.label.size() < most;
  if (node.fork) {
    if (kind == DictKind::plain ? in.refs_left() != 2 || in.bits_left() != 0 : in.refs_left() < 2) {
      return invalid("a fork has something other than its two references");
    }
  }
  node.rest = std::move(in);
  return node;
}

/// Both branches of a fork.
std::array<CellRef, 2> branches(const Node& fork) {
  return {fork.rest.peek_refs()[0], fork.rest.peek_refs()[1]};
}

Result<CellRef> make_fork(const BitString& label, unsigned most, const CellRef& zero,
                          const CellRef& one) {
  Builder out;
  store_label(out, label, most);
  return out.store_ref(zero).store_ref(one).finish();
}

/// A fork on the way to a key, with the side that was taken.
struct Step {
  BitString label;
  unsigned most = 0;
  std::array<CellRef, 2> branches;
  bool side = false;
};

/// Puts `cell` below the last of `path`, and makes all above anew.
Result<CellRef> rebuild(const std::vector<Step>& path, CellRef cell) {
  for (std::size_t i = path.size(); i-- > 0;) {
    const Step& step = path[i];
    COCOON_TRY(cell, make_fork(step.label, step.most, step.side ? step.branches[0] : cell,
                               step.side ? cell : step.branches[1]));
  }
  return cell;
}

/// The way from the root towards a key, as far as the labels agree.
struct Descent {
  std::vector<Step> path;
  Node node;          ///< where it ended
  unsigned at = 0;    ///< bits of the key above the node
  unsigned same = 0;  ///< bits of the node's label that the key has too
};

Result<Descent> descend(CellRef cell, const BitString& key, DictKind kind) {
  Descent d;
  for (;;) {
    const unsigned most = key.size() - d.at;
    COCOON_TRY(d.node, read_node(cell, most, kind));
    d.same = d.node.label.common_prefix(key.part(d.at, most));
    if (!d.node.fork || d.same < d.node.label.size()) return d;
    const bool side = key[d.at + d.same];
    d.path.push_back(
        {.label = d.node.label, .most = most, .branches = branches(d.node), .side = side});
    cell = d.path.back().branches[side ? 1 : 0];
    d.at += d.same + 1;
  }
}

}  // namespace

Result<std::optional<Slice>> Dict::find(const BitString& key) const {
  if (key.size() != key_bits_) return invalid("a key of another size was given");
  if (!root_) return std::optional<Slice>();
  COCOON_TRY(Descent d, descend(*root_, key, kind_));
  if (d.same < d.node.label.size()) return std::optional<Slice>();
  return std::optional<Slice>(std::move(d.node.rest));
}

Status Dict::for_each(const Visitor& visit) const {
  struct Place {
    CellRef cell;
    BitString prefix;
  };
  std::vector<Place> waiting;
  if (root_) waiting.push_back({*root_, {}});
  std::size_t entries = 0;
  while (!waiting.empty()) {
    Place place = std::move(waiting.back());
    waiting.pop_back();
    COCOON_TRY(Node node, read_node(place.cell, key_bits_ - place.prefix.size(), kind_));
    BitString key = place.prefix;
    (void)key.append(node.label);  // within the key
    if (node.fork) {
      const auto sides = branches(node);
      for (const unsigned side : {1u, 0u}) {
        BitString prefix = key;
        (void)prefix.append(side, 1);
        waiting.push_back({sides[side], prefix});
      }
      continue;
    }
    if (++entries > limits::kMaxDictEntries) {
      return Error(
          ErrorKind::too_large, "dict_too_large",
          "The dictionary has more than " + std::to_string(limits::kMaxDictEntries) + " entries.");
    }
    COCOON_CHECK(visit(key, std::move(node.rest)));
  }
  return ok();
}

Status Dict::check_change(const BitString& key) const {
  if (key.size() != key_bits_) return invalid("a key of another size was given");
  if (kind_ != DictKind::plain) return invalid("an augmented one is read only");
  return ok();
}

Status Dict::set(const BitString& key, const Builder& value) {
  COCOON_CHECK(check_change(key));
  COCOON_TRY(const CellRef content, value.finish());
  const auto leaf = [&](unsigned from) {
    Builder out;
    store_label(out, key.part(from, key_bits_ - from), key_bits_ - from);
    return out.store_slice(Slice(content)).finish();
  };
  if (!root_) {
    COCOON_TRY(root_, leaf(0));
    return ok();
  }
  COCOON_TRY(const Descent d, descend(*root_, key, kind_));
  const BitString& label = d.node.label;
  if (d.same == label.size()) {  // a leaf: the key is there
    COCOON_TRY(CellRef cell, leaf(d.at));
    COCOON_TRY(root_, rebuild(d.path, std::move(cell)));
    return ok();
  }
  // The label and the key part ways: a fork there, with the old node and a new leaf below.
  const unsigned most = key_bits_ - d.at;
  const unsigned below = most - d.same - 1;
  Builder shortened;
  store_label(shortened, label.part(d.same + 1, label.size() - d.same - 1), below);
  COCOON_TRY(const CellRef old_node, shortened.store_slice(d.node.rest).finish());
  COCOON_TRY(const CellRef new_node, leaf(d.at + d.same + 1));
  const bool old_side = label[d.same];
  COCOON_TRY(CellRef fork, make_fork(label.part(0, d.same), most, old_side ? new_node : old_node,
                                     old_side ? old_node : new_node));
  COCOON_TRY(root_, rebuild(d.path, std::move(fork)));
  return ok();
}

Result<bool> Dict::erase(const BitString& key) {
  COCOON_CHECK(check_change(key));
  if (!root_) return false;
  COCOON_TRY(Descent d, descend(*root_, key, kind_));
  if (d.same < d.node.label.size()) return false;
  if (d.path.empty()) {
    root_.reset();
    return true;
  }
  // The fork above has one branch left: that moves up, with the fork's label before its own.
  const Step last = std::move(d.path.back());
  d.path.pop_back();
  const bool other = !last.side;
  COCOON_TRY(const Node sibling,
             read_node(last.branches[other ? 1 : 0], last.most - last.label.size() - 1, kind_));
  BitString label = last.label;
  (void)label.append(other ? 1 : 0, 1);
  (void)label.append(sibling.label);
  Builder joined;
  store_label(joined, label, last.most);
  COCOON_TRY(CellRef cell, joined.store_slice(sibling.rest).finish());
  COCOON_TRY(root_, rebuild(d.path, std::move(cell)));
  return true;
}

}  // namespace cocoon::ton
