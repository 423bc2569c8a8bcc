"""Normalisation to length one."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, positive, scalar, sqrt, summation, tensor

D = Dim("d")
i, j, k = indices("i j k", D)

x, u, g = tensor("x", D), tensor("u", D), tensor("g", D)
r, c = scalar("r"), scalar("c")

derivation = Derivation(
    name="l2_normalise",
    title="Normalisation to length one",
    about=(
        "A vector other than zero, divided by its Euclidean norm. The Jacobian projects on the tangent space of the sphere: "
        "it maps x to zero. It falls as 1/r, so long vectors get small gradients."
    ),
    source="torch.nn.functional.normalize, for vectors that are longer than its eps",
    given=(Given(x, "vector"),),
    lets=(
        Let(r, sqrt(summation(x[k] ** 2, k)), "norm"),
        Let(u[i], x[i] / r, "direction"),
    ),
    output=u,
    wrt=(x,),
    curved=True,
    claims=(
        Claim("length", summation(u[k] ** 2, k), 1, title="the result has length one"),
        Claim(
            "scale",
            c * x[i] / sqrt(summation((c * x[k]) ** 2, k)),
            u[i],
            title="scaling x changes nothing",
            given=(Given(c, "scale", where=(positive(c),)),),
        ),
        Claim("jacobian", partial(u[i], x[j]), (delta(i, j) - u[i] * u[j]) / r, title="the projection I - u u', over the norm"),
        Claim("radial", summation(partial(u[i], x[j]) * x[j], j), 0, title="no change along x itself (Euler, degree 0)"),
        Claim("tangent", summation(u[i] * partial(u[i], x[j]), i), 0, title="u moves along the sphere: its length is fixed"),
        Claim("divergence", summation(partial(u[i], x[i]), i), (D - 1) / r, title="the trace: a projection of rank d - 1, over the norm"),
        Claim(
            "vjp",
            summation(g[i] * partial(u[i], x[j]), i),
            (g[j] - u[j] * summation(u[k] * g[k], k)) / r,
            title="the upstream gradient without its part along u, over the norm",
            given=(Given(g, "upstream gradient"),),
        ),
        Claim(
            "second_derivatives",
            partial(u[i], x[j], x[k]),
            (3 * u[i] * u[j] * u[k] - delta(i, j) * u[k] - delta(i, k) * u[j] - delta(j, k) * u[i]) / r**2,
            title="symmetric in all three axes",
        ),
    ),
)
