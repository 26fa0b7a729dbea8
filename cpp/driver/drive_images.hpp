#pragma once

#include "pellucid/sampling/images.hpp"

namespace pellucid::driver {

// Images of many tiles, layouts and addresses, one after the other; large ones are written past the caches.
Bytes drive_images();

}  // namespace pellucid::driver
