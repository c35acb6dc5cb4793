#pragma once
/// @file Fresh connections replace old ones: what clients and workers do alike with their links to
/// proxies.

#include <list>

#include "base/time.h"

namespace cocoon::core {

/// What such a link keeps.
template <class L>
struct Renewable {
  MonoTime renew_at = kNever;  ///< while ready: when a fresh one is to replace it
  L* replaces = nullptr;       ///< the older one, while it lasts
  bool replaced = false;       ///< a fresh one was begun; this one ends for good
};

/// When a fresh link is to replace this one, which is `usable`. Not while it replaces another
/// itself: two are enough, and a proxy lets a worker have no more.
template <class L>
MonoTime renewal_due(const L& link, bool usable) {
  return usable && !link.replaced && link.replaces == nullptr ? link.renew_at : kNever;
}

/// Puts a fresh link before `old`, for the same endpoint.
template <class L>
L& put_fresh(std::list<L>& links, typename std::list<L>::iterator old) {
  L& fresh = *links.emplace(old);
  fresh.endpoint = old->endpoint;
  fresh.replaces = &*old;
  old->replaced = true;
  return fresh;
}

/// A replaced link is gone, and with it its place.
template <class L>
void forget_replaced(std::list<L>& links, const L& old) {
  for (L& fresh : links) {
    if (fresh.replaces == &old) fresh.replaces = nullptr;
  }
  links.remove_if([&old](const L& link) { return &link == &old; });
}

}  // namespace cocoon::core
