#include "drive_images.hpp"

#include "pellucid/random.hpp"

namespace pellucid::driver {
namespace {

Bytes random_bytes(std::uint64_t row, Index size, std::uint64_t below) {
    RowStream stream(8, 0, row, StreamOf::test);
    return Bytes::NullaryExpr(size, [&] { return static_cast<std::uint8_t>(stream.below(below)); });
}

// rows images of height x 29 pixels under random masks, in memory that begins at an odd address.
Bytes images(Index height, Index planes, Index pixel_bytes, Index parts, Index rows) {
    const Index pixels = height * 29, bytes = planes * pixels * pixel_bytes;
    RowStream stream(9, 0, static_cast<std::uint64_t>(parts), StreamOf::test);
    const Columns labels = Columns::NullaryExpr(
        pixels, [&] { return static_cast<std::int32_t>(stream.below(static_cast<std::uint64_t>(parts))); });
    const MaskedImage image(random_bytes(0, bytes, 256), random_bytes(1, bytes, 256), labels, parts, planes,
                            pixel_bytes);
    const Bytes kept = random_bytes(2, rows * parts, 2);
    Bytes memory(1 + rows * bytes);
    memory[0] = 7;
    image.compose(Eigen::Map<const Masks>(kept.data(), rows, parts), Eigen::Map<Masks>(&memory[1], rows, bytes));
    return memory;
}

}  // namespace

Bytes drive_images() {
    Bytes all(0);
    const auto add = [&](const Bytes& more) {
        all.conservativeResize(all.size() + more.size());
        all.tail(more.size()) = more;
    };
    for (const Index parts : {1, 16, 17, 49, 64, 65, 300}) {
        add(images(1, 1, 1, parts, 3));
        add(images(13, 1, 3, parts, 20));
        add(images(13, 3, 4, parts, 20));
    }
    add(images(200, 1, 3, 49, 300));
    const Matrix noise = fill_noise(3, 100, 9);
    add(Eigen::Map<const Bytes>(reinterpret_cast<const std::uint8_t*>(noise.data()), noise.size() * 8));
    return all;
}

}  // namespace pellucid::driver
